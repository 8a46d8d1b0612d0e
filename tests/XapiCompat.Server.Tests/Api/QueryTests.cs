using FluentAssertions;
using XapiCompat.Server.Tests.Support;
using Xunit;

namespace XapiCompat.Server.Tests.Api;

/// <summary>The expressions of get_all_records_where.</summary>
public sealed class QueryTests : IClassFixture<RunningServer>, IAsyncLifetime
{
    private readonly RunningServer _server;
    private XenClient _client = null!;
    private Dictionary<string, string> _names = [];

    public QueryTests(RunningServer server) => _server = server;

    public async Task InitializeAsync()
    {
        _client = await _server.LoginAsync();
        if ((await _client.ListAsync("secret.get_all")).Count == 0)
        {
            foreach (var value in (string[])["a", "b", "c"])
                await _client.CallAsync("secret.create", JsonArguments.Map(("value", value), ("other_config", value == "a" ? JsonArguments.Map(("k", "it's"), ("l", "")) : JsonArguments.Map())));
        }

        _names = (await _client.CallAsync("secret.get_all_records")).AsObject().ToDictionary(r => r.Key, r => r.Value!["value"]!.GetValue<string>());
    }

    public Task DisposeAsync() => Task.CompletedTask;

    [Theory]
    [InlineData("true", "abc")]
    [InlineData("false", "")]
    [InlineData("field \"value\" = \"a\"", "a")]
    [InlineData("\"a\" = field \"value\"", "a")]
    [InlineData("\"a\"=\"a\"", "abc")]
    [InlineData("field \"value\" = field \"value\"", "abc")]
    [InlineData("not true", "")]
    [InlineData("not (field \"value\" = \"a\")", "bc")]
    [InlineData("not not field \"value\" = \"a\"", "a")]
    [InlineData("(field \"value\" = \"a\") or (field \"value\" = \"b\")", "ab")]
    [InlineData("field \"value\"=\"a\"or field \"value\"=\"b\"", "ab")]
    [InlineData("\t\n field \"value\" \r = \"a\" \n", "a")]
    // "and" and "or" bind alike, to the left: (true or false) and false.
    [InlineData("true or false and false", "")]
    [InlineData("true or (false and false)", "abc")]
    [InlineData("false and false or true", "abc")]
    // "not" binds weaker than both: not (false and false).
    [InlineData("not false and false", "abc")]
    [InlineData("(not false) and false", "")]
    [InlineData("not false or true", "")]
    [InlineData("true and not false and false", "abc")]
    [InlineData("field \"other_config\" = \"()\"", "bc")]
    [InlineData("field \"value\" = \"A\"", "")]
    public async Task Expressions_choose(string query, string chosen)
    {
        var refs = await _client.ListAsync("secret.get_all_where", query);
        string.Concat(refs.Select(r => _names[r]).Order(StringComparer.Ordinal)).Should().Be(chosen);
        var records = (await _client.CallAsync("secret.get_all_records_where", query)).AsObject();
        records.Select(r => r.Key).Should().BeEquivalentTo(refs);
    }

    [Theory]
    [InlineData("")]
    [InlineData("field")]
    [InlineData("field value = \"a\"")]
    [InlineData("field \"value\" = ")]
    [InlineData("field \"value\" = \"a\" and")]
    [InlineData("(true")]
    [InlineData("true)")]
    [InlineData("TRUE")]
    [InlineData("true true")]
    [InlineData("field \"value\" = \"unended")]
    [InlineData("field \"value\" == \"a\"")]
    [InlineData("field \"value\" = 'a'")]
    public async Task What_cannot_be_parsed_is_an_invalid_value(string query)
    {
        var error = await _client.ErrorAsync("secret.get_all_records_where", query);
        error.Should().HaveCount(3);
        error.Take(2).Should().Equal("INVALID_VALUE", query);
    }

    [Fact]
    public async Task An_unknown_column_is_an_internal_error() =>
        (await _client.ErrorAsync("secret.get_all_where", "field \"no_such\" = \"a\"")).Should().StartWith("INTERNAL_ERROR");

    [Fact]
    public async Task Nesting_without_end_is_refused()
    {
        var deep = new string('(', 100_000) + "true" + new string(')', 100_000);
        (await _client.ErrorAsync("secret.get_all_where", deep))[0].Should().Be("INVALID_VALUE");
        (await _client.ErrorAsync("secret.get_all_where", string.Concat(Enumerable.Repeat("not ", 100_000)) + "true"))[0].Should().Be("INVALID_VALUE");
    }

    [Fact]
    public async Task Columns_have_two_underscores_and_their_wire_names_do_as_well()
    {
        var template = (await _client.ListAsync("VM.get_all_where", "field \"is_a_template\" = \"true\""))[0];
        var record = await _client.RecordAsync("VM", template);
        var name = record["name_label"]!.GetValue<string>();
        var memory = record["memory_static_max"]!.ToJsonString();
        foreach (var query in (string[])[
            $"field \"_ref\" = \"{template}\"",
            $"field \"uuid\" = \"{record["uuid"]}\"",
            $"field \"name__label\" = \"{name}\" and field \"memory__static_max\" = \"{memory}\"",
            $"field \"name_label\" = \"{name}\" and field \"VCPUs__max\" = \"{record["VCPUs_max"]!.ToJsonString()}\"",
            $"field \"power_state\" = \"Halted\" and field \"is_a_snapshot\" = \"false\" and field \"affinity\" = \"OpaqueRef:NULL\" and field \"snapshot_time\" = \"19700101T00:00:00Z\" and field \"uuid\" = \"{record["uuid"]}\"",
        ])
            (await _client.ListAsync("VM.get_all_where", query)).Should().Contain(template, query);
    }

    [Fact]
    public async Task Maps_and_sets_have_a_text_form()
    {
        var a = _names.Single(n => n.Value == "a").Key;
        var map = (await _client.CallAsync("secret.get_other_config", a)).AsObject();
        var text = "(" + string.Join(' ', map.Select(m => "('" + m.Key + "' '" + m.Value!.GetValue<string>().Replace("'", "\\'", StringComparison.Ordinal) + "')")) + ")";
        (await _client.ListAsync("secret.get_all_where", "field \"other_config\" = \"" + text + "\"")).Should().Equal(a);
    }

    [Fact]
    public async Task The_usual_query_of_an_SR_and_its_disks_works()
    {
        var sr = await _client.TextAsync("pool.get_default_SR", (await _client.ListAsync("pool.get_all"))[0]);
        var disk = await _client.TextAsync("VDI.create", Records.Vdi(sr, Records.MiB));
        (await _client.ListAsync("VDI.get_all_where", $"field \"SR\" = \"{sr}\" and not (field \"type\" = \"ha_statefile\")")).Should().Contain(disk);
    }
}
