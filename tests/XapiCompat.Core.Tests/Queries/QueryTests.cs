using FluentAssertions;
using XapiCompat.Core.Queries;
using XapiCompat.Datamodel;
using XapiCompat.Store;
using XapiCompat.Testing;
using XapiCompat.Values;
using Xunit;

namespace XapiCompat.Core.Tests.Queries;

public sealed class QueryTests : IDisposable
{
    private static readonly Model Model = Model.Load();

    private readonly TempDirectory _directory = new();
    private readonly RecordStore _store;
    private readonly XapiCompat.Store.Record _vm;

    public QueryTests()
    {
        _store = RecordStore.OpenAsync(_directory.File("xapi.db"), Model).GetAwaiter().GetResult();
        _store.Commit(unit => unit.Insert(
            Model.Class("VM"),
            "OpaqueRef:1",
            [("uuid", "u"), ("name_label", "web"), ("is_a_snapshot", false), ("VCPUs_max", 4), ("tags", XenArray.Of(["a", "b"]))]));
        _vm = _store.Current.Find("OpaqueRef:1")!;
    }

    [Theory]
    [InlineData("true", true)]
    [InlineData("field \"name__label\" = \"web\"", true)]
    [InlineData("field \"name_label\" = \"web\"", true)]
    [InlineData("field \"_ref\" = \"OpaqueRef:1\"", true)]
    [InlineData("field \"is_a_snapshot\" = \"false\" and field \"VCPUs__max\" = \"4\"", true)]
    [InlineData("field \"tags\" = \"('a' 'b')\"", true)]
    [InlineData("true or false and false", false)] // one precedence, to the left
    [InlineData("true or (false and false)", true)]
    [InlineData("not true and false", true)] // not (true and false)
    [InlineData("(not true) and false", false)]
    [InlineData("false or not false and false", true)]
    public void Expressions_bind_as_on_a_real_host(string text, bool matches) =>
        QueryExpression.Parse(text).Matches(_vm).Should().Be(matches);

    [Theory]
    [InlineData("")]
    [InlineData("field \"uuid\"")]
    [InlineData("true and")]
    [InlineData("(true")]
    [InlineData("true)")]
    [InlineData("field \"uuid = \"x\"")]
    public void Bad_expressions_are_invalid_values(string text)
    {
        var parse = () => QueryExpression.Parse(text);
        parse.Should().Throw<XenException>().Which.Failure.Code.Should().Be("INVALID_VALUE");
    }

    [Fact]
    public void Deep_nesting_is_refused_and_harms_nobody()
    {
        var parse = () => QueryExpression.Parse(new string('(', 1_000_000));
        parse.Should().Throw<XenException>().Which.Failure.Code.Should().Be("INVALID_VALUE");
    }

    [Fact]
    public void Metadata_text_round_trips_quotes_sets_and_maps()
    {
        var map = XenStruct.Of(("it's", "a \\ b"), ("(", ")"));
        var text = SExpression.Write([("m", map), ("s", XenArray.Of(["x'y", "z"])), ("b", true)]);
        var pairs = SExpression.ReadPairs(text).ToDictionary(p => p.Name, p => p.Value);
        SExpression.ReadValue(pairs["m"], new MapType(new StringType(), new StringType())).Should().Be(map);
        SExpression.ReadValue(pairs["s"], new SetType(new StringType())).Should().Be(XenArray.Of(["x'y", "z"]));
        SExpression.ReadValue(pairs["b"], new BoolType()).Should().Be(XenBool.True);
    }

    [Theory]
    [InlineData("")]
    [InlineData("(")]
    [InlineData("((('a")]
    [InlineData("('a' 'b')")]
    public void Text_that_is_no_metadata_has_no_pairs(string text) => SExpression.ReadPairs(text).Should().BeEmpty();

    public void Dispose()
    {
        _store.Dispose();
        _directory.Dispose();
    }
}
