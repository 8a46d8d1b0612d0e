using System.Text;
using System.Text.Json.Nodes;
using FluentAssertions;
using XapiCompat.Server.Tests.Support;
using Xunit;

namespace XapiCompat.Server.Tests.Api;

/// <summary>The checks of every call, and which of two wrongs is told first.</summary>
public sealed class DispatchOrderTests(RunningServer server) : IClassFixture<RunningServer>
{
    private const string NoSession = "OpaqueRef:00000000-0000-4000-8000-000000000bad";
    private const string Nowhere = SampleValues.Nowhere;

    [Fact]
    public async Task Text_that_is_no_UTF8_comes_before_an_unknown_name()
    {
        byte[] body = [.. Encoding.ASCII.GetBytes("<?xml version=\"1.0\"?><methodCall><methodName>no.such</methodName><params><param><value>x"), 0xFF, 0xFE, .. Encoding.ASCII.GetBytes("</value></param></params></methodCall>")];
        var answer = await PlainHttp.PostAsync(server.Http, "/", body);
        answer.Status.Should().Be(200);
        answer.Text.Should().Contain("<value>Failure</value>").And.Contain("<data><value>INVALID_VALUE</value><value>");
    }

    [Fact]
    public async Task Text_that_is_no_UTF8_in_JSON_answers_an_error_of_id_0()
    {
        byte[] body = [.. Encoding.ASCII.GetBytes("{\"jsonrpc\":\"2.0\",\"id\":7,\"method\":\"no.such\",\"params\":[\"x"), 0xFF, .. Encoding.ASCII.GetBytes("\"]}")];
        var answer = await PlainHttp.PostAsync(server.Http, "/jsonrpc", body);
        var json = JsonNode.Parse(answer.Text)!;
        json["error"]![0]!.GetValue<string>().Should().Be("INVALID_VALUE");
        json["id"]!.GetValue<int>().Should().Be(0);
    }

    [Theory]
    [InlineData("VM.no_such_message", "VM.no_such_message")]
    [InlineData("Async.VM.no_such_message", "VM.no_such_message")]
    [InlineData("NoClass.get_all", "NoClass.get_all")]
    [InlineData("vm.get_all", "vm.get_all")]
    [InlineData("Async.VM_clone", "VM_clone")]
    [InlineData("InternalAsync.VM.start", "InternalAsync.VM.start")]
    [InlineData("VDI.set_snapshots", "VDI.set_snapshots")]
    [InlineData("session.get_all", "session.get_all")]
    public async Task An_unknown_name_is_told_without_its_prefix(string method, string told)
    {
        var client = await server.LoginAsync();
        (await client.ErrorAsync(method)).Should().Equal("MESSAGE_METHOD_UNKNOWN", told);
        (await client.Wire.CallAsync(method, [])).Error.Should().Equal("MESSAGE_METHOD_UNKNOWN", told);
    }

    [Fact]
    public async Task An_unknown_name_with_a_bad_session_is_a_bad_session() =>
        (await Wire.CallAsync("no.such", [NoSession])).Error.Should().Equal("SESSION_INVALID", NoSession);

    [Theory]
    [InlineData("VM.get_record", 0, "1")]
    [InlineData("VM.get_record", 2, "1")]
    [InlineData("VM.get_all", 1, "0")]
    [InlineData("VDI.snapshot", 0, "1")]
    [InlineData("VM.snapshot", 1, "2")]
    [InlineData("event.from", 2, "3")]
    [InlineData("SR.set_name_label", 3, "2")]
    public async Task The_count_of_arguments_leaves_the_session_out(string method, int given, string expected)
    {
        var arguments = Enumerable.Repeat<object?>("x", given).ToArray();
        string[] error = ["MESSAGE_PARAMETER_COUNT_MISMATCH", method, expected, given.ToString()];
        (await (await server.LoginAsync()).ErrorAsync(method, arguments)).Should().Equal(error);
        (await Wire.CallAsync(method, JsonArguments.Array([NoSession, .. arguments]))).Error.Should().Equal(error, "the session is looked at later");
    }

    [Fact]
    public async Task A_login_counts_its_required_arguments() =>
        (await Wire.CallAsync("session.login_with_password", ["root"])).Error.Should().Equal("MESSAGE_PARAMETER_COUNT_MISMATCH", "session.login_with_password", "2", "1");

    [Fact]
    public async Task A_call_without_any_argument_lacks_its_own_ones() =>
        (await Wire.CallAsync("VM.get_record", [])).Error.Should().Equal("MESSAGE_PARAMETER_COUNT_MISMATCH", "VM.get_record", "1", "0");

    [Fact]
    public async Task Arguments_beyond_optional_ones_are_ignored()
    {
        var client = await server.LoginAsync();
        (await client.ErrorAsync("VDI.snapshot", Nowhere, JsonArguments.Map(), "more", 5)).Should().Equal("HANDLE_INVALID", "VDI", Nowhere);
        (await client.ErrorAsync("VDI.snapshot", Nowhere)).Should().Equal("HANDLE_INVALID", "VDI", Nowhere);
    }

    [Theory]
    [InlineData("root", "xapicompat")]
    [InlineData("root", "xapicompat", "2.21")]
    [InlineData("root", "xapicompat", "2.21", "somebody")]
    public async Task A_login_takes_two_to_four_arguments(params string[] arguments) =>
        (await Wire.CallAsync("session.login_with_password", JsonArguments.Array(arguments))).Value!.GetValue<string>().Should().StartWith("OpaqueRef:");

    [Fact]
    public async Task A_wrong_type_comes_before_a_bad_session()
    {
        var error = (await Wire.CallAsync("VM.set_is_a_template", [NoSession, Nowhere, "true"])).Error!;
        error.Should().HaveCount(2);
        error[0].Should().Be("INTERNAL_ERROR");
    }

    [Fact]
    public async Task A_bad_session_comes_before_a_removed_message()
    {
        (await Wire.CallAsync("VBD.get_metrics", [NoSession, Nowhere])).Error.Should().Equal("SESSION_INVALID", NoSession);
        (await (await server.LoginAsync()).ErrorAsync("VBD.get_metrics", Nowhere)).Should().Equal("MESSAGE_REMOVED");
    }

    [Fact]
    public async Task A_removed_message_comes_before_a_missing_async_form() =>
        (await (await server.LoginAsync()).ErrorAsync("Async.VBD.get_metrics", Nowhere)).Should().Equal("MESSAGE_REMOVED");

    [Fact]
    public async Task A_bad_session_comes_before_a_missing_async_form() =>
        (await Wire.CallAsync("Async.VM.get_record", [NoSession, Nowhere])).Error.Should().Equal("SESSION_INVALID", NoSession);

    [Fact]
    public async Task A_missing_async_form_comes_before_the_reference() =>
        (await (await server.LoginAsync()).ErrorAsync("Async.VM.get_record", Nowhere)).Should().Equal("Fault", "No async mode for this operation (rpc: VM.get_record)");

    [Fact]
    public async Task An_unbuilt_message_comes_before_the_reference_and_after_all_else()
    {
        var client = await server.LoginAsync();
        (await client.ErrorAsync("VM.migrate_send", Nowhere)).Should().StartWith("MESSAGE_PARAMETER_COUNT_MISMATCH");
        (await client.ErrorAsync("pool_update.pool_clean", Nowhere)).Should().Equal("NOT_IMPLEMENTED", "pool_update.pool_clean");
        (await Wire.CallAsync("pool_update.pool_clean", [NoSession, Nowhere])).Error.Should().Equal("SESSION_INVALID", NoSession);
    }

    [Fact]
    public async Task In_async_form_the_errors_of_the_work_land_in_the_task()
    {
        var client = await server.LoginAsync();
        (await client.ErrorAsync("Async.VM.clone", Nowhere)).Should().Equal("MESSAGE_PARAMETER_COUNT_MISMATCH", "VM.clone", "2", "1");
        (await client.ErrorAsync("Async.VM.clone", Nowhere, JsonArguments.Array([]))).Should().StartWith("INTERNAL_ERROR");
        var task = await client.FinishedTaskAsync("Async.VM.clone", Nowhere, "name");
        task["error_info"]!.AsArray().Select(i => i!.GetValue<string>()).Should().Equal("HANDLE_INVALID", "VM", Nowhere);
    }

    [Fact]
    public async Task A_reference_of_another_class_is_no_reference()
    {
        var client = await server.LoginAsync();
        var pool = (await client.ListAsync("pool.get_all"))[0];
        (await client.ErrorAsync("VM.get_record", pool)).Should().Equal("HANDLE_INVALID", "VM", pool);
        (await client.ErrorAsync("VDI.destroy", pool)).Should().Equal("HANDLE_INVALID", "VDI", pool);
        (await client.ErrorAsync("host.get_name_label", client.Session)).Should().Equal("HANDLE_INVALID", "host", client.Session);
        (await client.ErrorAsync("VM.get_record", "")).Should().Equal("HANDLE_INVALID", "VM", "OpaqueRef:NULL");
    }

    [Fact]
    public async Task A_reference_of_another_class_is_no_session()
    {
        var pool = (await (await server.LoginAsync()).ListAsync("pool.get_all"))[0];
        (await Wire.CallAsync("VM.get_all", [pool])).Error.Should().Equal("SESSION_INVALID", pool);
    }

    [Fact]
    public async Task A_uuid_of_another_class_is_no_uuid()
    {
        var client = await server.LoginAsync();
        var pool = await client.TextAsync("pool.get_uuid", (await client.ListAsync("pool.get_all"))[0]);
        (await client.ErrorAsync("VM.get_by_uuid", pool)).Should().Equal("UUID_INVALID", "VM", pool);
        (await client.ErrorAsync("VM.get_by_uuid", "no uuid at all")).Should().Equal("UUID_INVALID", "VM", "no uuid at all");
    }

    [Fact]
    public async Task Both_spellings_of_a_name_reach_the_message()
    {
        var client = await server.LoginAsync();
        (await client.ListAsync("VM_get_all")).Should().BeEquivalentTo(await client.ListAsync("VM.get_all"));
        var vm = (await client.ListAsync("VM_get_all"))[0];
        (await client.TextAsync("VM_get_name_label", vm)).Should().Be(await client.TextAsync("VM.get_name_label", vm));
        (await Wire.CallAsync("session_login_with_password", ["root", "xapicompat"])).Error.Should().BeNull();
    }

    [Fact]
    public async Task Isalive_gives_its_argument_back_without_a_session()
    {
        var answer = await PlainHttp.PostAsync(server.Http, "/", PlainHttp.XmlCall("system.isAlive:1", "token"));
        answer.Text.Should().Contain("<value>token</value>").And.NotContain("Status");
    }

    private JsonWire Wire => new(server.Http);
}
