using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using FluentAssertions;
using XapiCompat.Server.Tests.Support;
using Xunit;

namespace XapiCompat.Server.Tests.Api;

/// <summary>Which spellings of a value are taken, and which form it has in answers.</summary>
public sealed class ArgumentTypeTests(RunningServer server) : IClassFixture<RunningServer>
{
    [Theory]
    [InlineData("1234567890123")]
    [InlineData("<string>1234567890123</string>")]
    [InlineData("<int>1234567890123</int>")]
    [InlineData("<i4>1234567890123</i4>")]
    [InlineData("<i8>1234567890123</i8>")]
    public async Task Integers_come_in_every_form_and_go_as_bare_text(string value)
    {
        var (client, vm) = await NewVmAsync();
        (await XmlAsync("VM.set_user_version", client.Session, vm, value)).Should().Contain("<value>Success</value>");
        (await XmlAsync("VM.get_user_version", client.Session, vm)).Should().Contain("<name>Value</name><value>1234567890123</value>");
        (await client.CallAsync("VM.get_user_version", vm)).ToJsonString().Should().Be("1234567890123");
    }

    [Theory]
    [InlineData("-9223372036854775808")]
    [InlineData("9223372036854775807")]
    public async Task Integers_have_64_bits(string value)
    {
        var (client, vm) = await NewVmAsync();
        await client.CallAsync("VM.set_user_version", vm, value);
        (await client.CallAsync("VM.get_user_version", vm)).ToJsonString().Should().Be(value);
        (await client.ErrorAsync("VM.set_user_version", vm, "9223372036854775808")).Should().StartWith("INTERNAL_ERROR");
    }

    [Theory]
    [InlineData("<boolean>1</boolean>", true)]
    [InlineData("<boolean>0</boolean>", false)]
    [InlineData("<boolean>2</boolean>", false)]
    [InlineData("<boolean>true</boolean>", false)]
    public async Task Of_booleans_only_1_is_true(string value, bool expected)
    {
        var (client, vm) = await NewVmAsync();
        await client.CallAsync("VM.set_is_a_template", vm, !expected);
        (await XmlAsync("VM.set_is_a_template", client.Session, vm, value)).Should().Contain("<value>Success</value>");
        (await client.FlagAsync("VM.get_is_a_template", vm)).Should().Be(expected);
        (await XmlAsync("VM.get_is_a_template", client.Session, vm)).Should().Contain("<boolean>" + (expected ? 1 : 0) + "</boolean>");
    }

    [Theory]
    [InlineData("VM.set_is_a_template", "true")]
    [InlineData("VM.set_is_a_template", "1")]
    [InlineData("VM.set_user_version", "twelve")]
    [InlineData("VM.set_user_version", "1.5")]
    [InlineData("VM.set_user_version", "")]
    [InlineData("VM.set_tags", "no set")]
    [InlineData("VM.set_xenstore_data", "no map")]
    [InlineData("VM.set_actions_after_reboot", "no such action")]
    public async Task What_is_no_value_of_the_type_is_an_internal_error(string method, string value)
    {
        var (client, vm) = await NewVmAsync();
        var error = await client.ErrorAsync(method, vm, value);
        error.Should().HaveCount(2);
        error[0].Should().Be("INTERNAL_ERROR");
    }

    [Fact]
    public async Task Null_is_no_value_of_an_ordinary_type()
    {
        var (client, vm) = await NewVmAsync();
        (await client.ErrorAsync("VM.set_name_label", vm, null)).Should().StartWith("INTERNAL_ERROR");
        (await client.ErrorAsync("VM.set_user_version", vm, null)).Should().StartWith("INTERNAL_ERROR");
    }

    [Theory]
    [InlineData("Restart")]
    [InlineData("RESTART")]
    [InlineData("restart")]
    public async Task Enum_members_are_taken_in_any_letter_case_and_given_as_declared(string spelling)
    {
        var (client, vm) = await NewVmAsync();
        await client.CallAsync("VM.set_actions_after_reboot", vm, "destroy");
        await client.CallAsync("VM.set_actions_after_reboot", vm, spelling);
        (await client.TextAsync("VM.get_actions_after_reboot", vm)).Should().Be("restart");
    }

    [Theory]
    [InlineData("20260314T09:26:53Z", true)]
    [InlineData("2026-03-14T09:26:53Z", true)]
    [InlineData("2026-03-14T09:26:53.123Z", true)]
    [InlineData("20260314T09:26:53", true)]
    [InlineData("2026-03-14T09:26:53+02:00", true)]
    [InlineData("20261314T09:26:53Z", false)]
    [InlineData("yesterday", false)]
    [InlineData("", false)]
    public async Task Dates_come_in_many_forms(string text, bool isDate)
    {
        var client = await server.LoginAsync();
        (await client.AnswerAsync("message.get_since", text)).Error?[0].Should().Be(isDate ? null : "INTERNAL_ERROR");
        (await XmlAsync("message.get_since", client.Session, "<dateTime.iso8601>" + text + "</dateTime.iso8601>")).Should().Contain(isDate ? "<value>Success</value>" : "INTERNAL_ERROR");
    }

    [Fact]
    public async Task Dates_are_sent_in_one_form()
    {
        var (client, vm) = await NewVmAsync();
        (await client.TextAsync("VM.get_snapshot_time", vm)).Should().Be("19700101T00:00:00Z");
        (await XmlAsync("VM.get_snapshot_time", client.Session, vm)).Should().Contain("<value><dateTime.iso8601>19700101T00:00:00Z</dateTime.iso8601></value>");
    }

    [Fact]
    public async Task Floats_come_as_numbers_or_text()
    {
        var (client, vm) = await NewVmAsync();
        foreach (var value in (string[])["<double>2.5</double>", "2.5", "<string>2.5</string>"])
        {
            await client.CallAsync("VM.set_HVM_shadow_multiplier", vm, 1);
            (await XmlAsync("VM.set_HVM_shadow_multiplier", client.Session, vm, value)).Should().Contain("<value>Success</value>");
            (await client.CallAsync("VM.get_HVM_shadow_multiplier", vm)).ToJsonString().Should().Be("2.5");
        }

        (await XmlAsync("VM.get_HVM_shadow_multiplier", client.Session, vm)).Should().Contain("<double>2.5</double>");
    }

    [Fact]
    public async Task Empty_containers_have_short_spellings()
    {
        var (client, vm) = await NewVmAsync();
        await client.CallAsync("VM.set_tags", vm, new[] { "a" });
        (await XmlAsync("VM.set_tags", client.Session, vm, "<array/>")).Should().Contain("<value>Success</value>");
        (await client.ListAsync("VM.get_tags", vm)).Should().BeEmpty();
        await client.CallAsync("VM.set_xenstore_data", vm, JsonArguments.Map(("vm-data/k", "v")));
        (await XmlAsync("VM.set_xenstore_data", client.Session, vm, "<struct/>")).Should().Contain("<value>Success</value>");
        (await client.CallAsync("VM.get_xenstore_data", vm)).AsObject().Should().BeEmpty();
        (await XmlAsync("VM.set_name_label", client.Session, vm, "")).Should().Contain("<value>Success</value>");
        (await client.TextAsync("VM.get_name_label", vm)).Should().BeEmpty();
    }

    [Fact]
    public async Task An_answer_without_result_is_the_empty_text()
    {
        var (client, vm) = await NewVmAsync();
        (await XmlAsync("VM.set_name_label", client.Session, vm, "x")).Should().Contain("<name>Value</name><value></value>");
        (await client.TextAsync("VM.set_name_label", vm, "y")).Should().BeEmpty();
    }

    [Theory]
    [InlineData("<&>\"'")]
    [InlineData("Zürich 東京 🖥")]
    [InlineData(" leading and trailing ")]
    [InlineData("two\nlines\tand a tab")]
    public async Task Text_survives_both_wires(string text)
    {
        var (json, vm) = await NewVmAsync();
        await json.CallAsync("VM.set_name_label", vm, text);
        var xml = await server.LoginOverXmlAsync();
        (await xml.TextAsync("VM.get_name_label", vm)).Should().Be(text);
        await xml.CallAsync("VM.set_name_description", vm, text);
        (await json.TextAsync("VM.get_name_description", vm)).Should().Be(text);
    }

    [Fact]
    public async Task Control_characters_that_XML_cannot_hold_are_cut_out()
    {
        var (client, vm) = await NewVmAsync();
        await client.CallAsync("VM.set_name_label", vm, "a\u0001b\u001fc\ufffe");
        (await client.TextAsync("VM.get_name_label", vm)).Should().Be("abc");
        await client.CallAsync("VM.add_to_other_config", vm, "k\u0002", "v\u0003");
        (await client.CallAsync("VM.get_other_config", vm))["k"]!.GetValue<string>().Should().Be("v");
    }

    [Fact]
    public async Task Both_wires_give_the_same_records()
    {
        var json = await server.LoginAsync();
        var xml = await server.LoginOverXmlAsync();
        foreach (var @class in (string[])["pool", "host", "VM", "SR", "SM", "PBD", "network", "PIF"])
        {
            var one = (await json.CallAsync(@class + ".get_all_records")).AsObject();
            var other = (await xml.CallAsync(@class + ".get_all_records")).AsObject();
            NumbersAsText(one);
            NumbersAsText(other);
            JsonNode.DeepEquals(one, other).Should().BeTrue(@class);
        }
    }

    private static void NumbersAsText(JsonNode node)
    {
        JsonNode?[] children = node switch
        {
            JsonObject map => [.. map.Select(m => m.Value)],
            JsonArray array => [.. array],
            _ => [],
        };
        foreach (var child in children.OfType<JsonNode>())
        {
            if (child.GetValueKind() == JsonValueKind.Number)
                child.ReplaceWith((decimal.Parse(child.ToJsonString(), CultureInfo.InvariantCulture) / 1.0000000000000000000000000000m).ToString(CultureInfo.InvariantCulture));
            else
                NumbersAsText(child);
        }
    }

    private async Task<(XenClient Client, string Vm)> NewVmAsync()
    {
        var client = await server.LoginAsync();
        return (client, await client.TextAsync("VM.create", Records.Vm("typed")));
    }

    private async Task<string> XmlAsync(string method, params string[] values) =>
        (await PlainHttp.PostAsync(server.Http, "/", PlainHttp.XmlCall(method, values))).Text;
}
