using FluentAssertions;
using XapiCompat.Values;
using XapiCompat.XeCli.Tests.Support;
using Xunit;

namespace XapiCompat.XeCli.Tests;

public sealed class FailureTests
{
    private const string Hint = "For usage run: 'xe help'\n";

    private readonly Xe _xe = new();

    [Theory]
    [InlineData("sing", "Unknown command: sing\n" + Hint)]
    [InlineData("uuid=x", "Syntax error: \n" + Hint)]
    [InlineData("vdi-create", "Required parameter not found: sr-uuid\n" + Hint)]
    [InlineData("vm-param-get uuid=x", "Required parameter not found: param-name\n" + Hint)]
    public async Task What_is_wrong_with_a_command_line_is_said_before_any_login(string line, string error)
    {
        _xe.Credentials = "username=root\npassword=wrong";
        (await _xe.RunAsync(line.Split(' '))).Should().Be(new XeResult("", error, 1));
        _xe.Api.Calls.Should().BeEmpty();
    }

    [Fact]
    public async Task A_wrong_password_is_said()
    {
        _xe.Credentials = "username=root\npassword=wrong";
        (await _xe.RunAsync("vm-list")).Should().Be(new XeResult("", "Authentication failed\n" + Hint, 1));
    }

    [Fact]
    public async Task A_missing_user_is_said()
    {
        _xe.Credentials = "username=\npassword=wrong";
        (await _xe.RunAsync("vm-list")).Should().Be(new XeResult("", "Username/password must be specified\n" + Hint, 1));
    }

    [Fact]
    public async Task A_session_ends_with_its_command_also_when_it_fails()
    {
        await _xe.RunAsync("vm-list");
        _xe.Api.Calls.Should().StartWith("session.login_with_password(root, secret, 2.21, cli)").And.EndWith("session.logout(OpaqueRef:session)");
        (await _xe.RunAsync("vdi-param-list", "uuid=x")).Code.Should().Be(1);
        _xe.Api.Calls.Should().EndWith("session.logout(OpaqueRef:session)");
    }

    [Fact]
    public async Task A_given_session_is_used_and_left_alone()
    {
        (await _xe.RunAsync("session_id=OpaqueRef:mine", "vm-list")).Code.Should().Be(0);
        _xe.Api.Calls.Should().OnlyContain(c => !c.StartsWith("session.", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_trusted_client_needs_no_password()
    {
        _xe.Trusted = true;
        _xe.Api.Password = "";
        _xe.Credentials = "username=root\npassword=null";
        (await _xe.RunAsync("vm-list")).Code.Should().Be(0);
    }

    [Fact]
    public async Task Errors_name_their_parameters_and_what_references_lead_to()
    {
        var vdi = _xe.Api.Add("VDI", ("name_label", "disk one"));
        _xe.Api.Answers["VDI.destroy"] = _ => RpcResult.Fail(new("VDI_IN_USE", vdi, "destroy"));
        (await _xe.RunAsync("vdi-destroy", "uuid=" + FakeApi.UuidOf(1))).Should().Be(
            new XeResult("", "The disk is in use.\nvdi: " + FakeApi.UuidOf(1) + " (disk one)\noperation: destroy\n", 1));
    }

    [Fact]
    public async Task Parameters_that_nobody_declared_or_gave_are_shown()
    {
        _xe.Api.Add("VDI");
        _xe.Api.Answers["VDI.destroy"] = _ => RpcResult.Fail(new("UUID_INVALID", "VDI"));
        (await _xe.RunAsync("vdi-destroy", "uuid=" + FakeApi.UuidOf(1))).Error.Should().EndWith("type: VDI\nuuid: <unknown>\n");
        _xe.Api.Answers["VDI.destroy"] = _ => RpcResult.Fail(new("SESSION_NOT_REGISTERED", "a", "b"));
        (await _xe.RunAsync("vdi-destroy", "uuid=" + FakeApi.UuidOf(1))).Error.Should().EndWith("handle: a\n<extra>: b\n");
    }

    [Fact]
    public async Task An_error_of_no_table_keeps_its_code()
    {
        _xe.Api.Add("VDI");
        _xe.Api.Answers["VDI.destroy"] = _ => RpcResult.Fail(new("SR_BACKEND_FAILURE_90", "", "no device", ""));
        (await _xe.RunAsync("vdi-destroy", "uuid=" + FakeApi.UuidOf(1))).Should().Be(
            new XeResult("", "Error code: SR_BACKEND_FAILURE_90\nError parameters: , no device, \n", 1));
    }

    [Fact]
    public async Task An_error_that_nobody_described_is_named_after_its_code()
    {
        _xe.Api.Add("VDI");
        _xe.Api.Answers["VDI.destroy"] = _ => RpcResult.Fail(new("CRL_ALREADY_EXISTS", "x"));
        (await _xe.RunAsync("vdi-destroy", "uuid=" + FakeApi.UuidOf(1))).Error.Should().Be("CRL already exists.\nname: x\n");
    }

    [Fact]
    public async Task A_trace_tells_where_it_happened()
    {
        _xe.Api.Add("VDI");
        _xe.Api.Answers["VDI.destroy"] = _ => RpcResult.Fail(new("VDI_MISSING", "a", "b"));
        (await _xe.RunAsync("vdi-destroy", "uuid=" + FakeApi.UuidOf(1), "--trace")).Error.Should().Match("*\nRaised XenException: VDI_MISSING(a, b)\nBacktrace:\n*at *");
    }

    [Fact]
    public async Task Failures_that_nobody_foresaw_are_internal_errors()
    {
        _xe.Api.Answers["VM.get_all_records"] = _ => throw new InvalidOperationException("boom");
        var result = await _xe.RunAsync("vm-list");
        result.Code.Should().Be(1);
        result.Error.Should().EndWith("message: InvalidOperationException: boom\n");
    }

    [Fact]
    public async Task A_client_that_has_gone_is_not_reported_to()
    {
        _xe.Api.Answers["VM.get_all_records"] = _ => throw new IOException("gone");
        await FluentActions.Awaiting(() => _xe.RunAsync("vm-list")).Should().ThrowAsync<IOException>();
        _xe.Api.Calls.Should().EndWith("session.logout(OpaqueRef:session)");
    }
}
