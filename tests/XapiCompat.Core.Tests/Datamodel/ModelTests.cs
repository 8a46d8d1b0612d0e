using FluentAssertions;
using XapiCompat.Datamodel;
using XapiCompat.Values;
using Xunit;

namespace XapiCompat.Core.Tests.Datamodel;

public sealed class ModelTests
{
    private static readonly Model Model = Model.Load();

    [Fact]
    public void The_specification_is_loaded_whole()
    {
        Model.Classes.Should().HaveCount(73);
        Model.Messages.Should().HaveCount(2258);
        Model.Messages.Count(m => m.Kind != MessageKind.Explicit).Should().Be(1580);
        Model.Messages.Count(m => m.Async).Should().Be(530);
        Model.Messages.Count(m => !m.NeedsSession).Should().Be(4);
        Model.Messages.Count(m => m.HasOptionalParameters).Should().Be(54);
        Model.Classes.Sum(c => c.FieldNames.Count).Should().Be(922);
        Model.Errors.Should().HaveCount(605 + 29);
    }

    [Fact]
    public void Every_field_of_an_implicit_message_exists() =>
        Model.Messages
            .Where(m => m.Kind is MessageKind.Getter or MessageKind.Setter or MessageKind.AddTo or MessageKind.RemoveFrom)
            .Should().OnlyContain(m => m.Field != null && !m.Field.Internal);

    [Fact]
    public void Both_spellings_name_the_same_message() =>
        Model.FindMessage("VM_get_record").Should().BeSameAs(Model.FindMessage("VM.get_record"));

    [Theory]
    [InlineData("VDI", "snapshots", true)]
    [InlineData("VDI", "snapshot_of", false)]
    [InlineData("VM", "VBDs", true)]
    [InlineData("SR", "VDIs", true)]
    [InlineData("task", "subtasks", true)]
    public void The_many_side_of_a_relation_is_computed(string @class, string field, bool computed) =>
        Model.Class(@class).Find(field)!.Computed.Should().Be(computed);

    [Theory]
    [InlineData("hALTED", "Halted")]
    [InlineData("Running", "Running")]
    public void Enum_members_are_accepted_in_any_letter_case(string sent, string stored) =>
        Model.Class("VM").Find("power_state")!.Type.Coerce(sent).ToString().Should().Be(stored);

    [Fact]
    public void An_int_may_come_as_text_and_a_bool_may_not()
    {
        new IntType().Coerce("42").Should().Be(XenValue.From(42));
        var text = () => new BoolType().Coerce("true");
        text.Should().Throw<XenTypeException>();
        var word = () => new IntType().Coerce("many");
        word.Should().Throw<XenTypeException>();
    }

    [Theory]
    [InlineData("20260314T09:26:53Z", "20260314T09:26:53Z")]
    [InlineData("2026-03-14T09:26:53Z", "20260314T09:26:53Z")]
    [InlineData("2026-03-14T09:26:53.25+02:00", "20260314T07:26:53Z")]
    [InlineData("20260314T09:26:53", "20260314T09:26:53")]
    public void Dates_are_read_in_every_form_that_clients_send(string sent, string stored) =>
        new DateTimeType().Coerce(sent).ToString().Should().Be(stored);
}
