using FluentAssertions;
using XapiCompat.Server.Tests.Support;
using Xunit;

namespace XapiCompat.Server.Tests.Api.Hosts;

/// <summary>host.call_plugin answers what the file says, and says exactly what is missing.</summary>
public sealed class PluginTests(RunningServer server) : IClassFixture<RunningServer>
{
    private const string Answers = """
        {
          "plugins": [
            { "plugin": "trim", "function": "do_trim", "args": { "sr_uuid": "abc*", "mode": "fast" }, "result": "fast" },
            { "plugin": "trim", "function": "do_*", "args": { "sr_uuid": "*" }, "result": "True" },
            { "plugin": "raid.py", "error": ["XENAPI_PLUGIN_FAILURE", "non-zero exit", "", "no RAID here"] },
            { "plugin": "quiet", "function": "f" }
          ],
          "extensions": [ { "name": "Test.ping", "result": "pong" } ]
        }
        """;

    [Fact]
    [SeesEffectOf("host.call_plugin")]
    public async Task The_first_entry_that_fits_answers()
    {
        var (client, host) = await PrepareAsync(Answers);
        (await client.TextAsync("host.call_plugin", host, "trim", "do_trim", JsonArguments.Map(("sr_uuid", "abcd"), ("mode", "fast")))).Should().Be("fast");
        (await client.TextAsync("host.call_plugin", host, "trim", "do_trim", JsonArguments.Map(("sr_uuid", "abcd")))).Should().Be("True");
        (await client.TextAsync("host.call_plugin", host, "trim", "do_more", JsonArguments.Map(("sr_uuid", "")))).Should().Be("True");
        (await client.TextAsync("host.call_plugin", host, "quiet", "f", JsonArguments.Map())).Should().BeEmpty();
        (await client.ErrorAsync("host.call_plugin", host, "raid.py", "check", JsonArguments.Map())).Should().Equal("XENAPI_PLUGIN_FAILURE", "non-zero exit", "", "no RAID here");
        var task = await client.FinishedTaskAsync("Async.host.call_plugin", host, "trim", "do_trim", JsonArguments.Map(("sr_uuid", "x")));
        task["result"]!.GetValue<string>().Should().Be("<value>True</value>");
    }

    [Fact]
    public async Task What_is_missing_is_named()
    {
        var (client, host) = await PrepareAsync(Answers);
        (await client.ErrorAsync("host.call_plugin", host, "nothing", "f", JsonArguments.Map())).Should().Equal("XENAPI_MISSING_PLUGIN", "nothing");
        (await client.ErrorAsync("host.call_plugin", host, "quiet", "g", JsonArguments.Map())).Should().Equal("UNKNOWN_XENAPI_PLUGIN_FUNCTION", "g");
        (await client.ErrorAsync("host.call_plugin", host, "trim", "do_trim", JsonArguments.Map())).Should().Equal("UNKNOWN_XENAPI_PLUGIN_FUNCTION", "do_trim");
        (await client.ErrorAsync("host.call_plugin", SampleValues.Nowhere, "trim", "do_trim", JsonArguments.Map())).Should().Equal("HANDLE_INVALID", "host", SampleValues.Nowhere);
    }

    [Fact]
    [SeesEffectOf("host.has_extension", "pool.has_extension", "host.call_extension")]
    public async Task Extensions_come_from_the_same_file()
    {
        var (client, host) = await PrepareAsync(Answers);
        var pool = (await client.ListAsync("pool.get_all"))[0];
        (await client.FlagAsync("host.has_extension", host, "Test.ping")).Should().BeTrue();
        (await client.FlagAsync("pool.has_extension", pool, "Test.ping")).Should().BeTrue();
        (await client.FlagAsync("host.has_extension", host, "Test.pong")).Should().BeFalse();
        (await client.TextAsync("host.call_extension", host, """{"method":"Test.ping","params":[]}""")).Should().Be("pong");
        (await client.ErrorAsync("host.call_extension", host, """{"method":"Test.pong","params":[]}""")).Should().Equal("MESSAGE_METHOD_UNKNOWN", "Test.pong");
        (await client.ErrorAsync("host.call_extension", host, "no call")).Should().HaveElementAt(0, "INTERNAL_ERROR");
    }

    [Theory]
    [InlineData("{")]
    [InlineData("[]")]
    [InlineData("{\"plugins\": 3}")]
    [InlineData("{\"plugins\": [{\"plugin\": \"p\", \"function\": \"f\", \"error\": 1}]}")]
    public async Task A_file_that_is_wrong_is_reported(string text)
    {
        var (client, host) = await PrepareAsync(text);
        (await client.ErrorAsync("host.call_plugin", host, "p", "f", JsonArguments.Map())).Should().HaveElementAt(0, "INTERNAL_ERROR");
    }

    private async Task<(XenClient Client, string Host)> PrepareAsync(string answers)
    {
        await File.WriteAllTextAsync(Path.Combine(server.StatePath, "plugins.json"), answers);
        var client = await server.LoginAsync();
        return (client, (await client.ListAsync("host.get_all"))[0]);
    }
}
