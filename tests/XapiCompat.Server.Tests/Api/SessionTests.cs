using FluentAssertions;
using XapiCompat.Server.Tests.Support;
using Xunit;

namespace XapiCompat.Server.Tests.Api;

public sealed class SessionTests(RunningServer server) : IClassFixture<RunningServer>
{
    [Theory]
    [InlineData("root", "wrong")]
    [InlineData("root", "")]
    [InlineData("Root", "xapicompat")]
    [InlineData("", "xapicompat")]
    public async Task Wrong_credentials_are_told_with_the_user_name(string user, string password)
    {
        var error = (await new JsonWire(server.Http).CallAsync("session.login_with_password", [user, password])).Error!;
        error.Should().HaveCount(3);
        error.Take(2).Should().Equal("SESSION_AUTHENTICATION_FAILED", user);
        error.Should().NotContain(e => password.Length > 0 && e.Contains(password));
    }

    [Fact]
    public async Task A_session_has_the_fields_of_a_root_login()
    {
        var wire = new JsonWire(server.Http);
        var session = (await wire.CallAsync("session.login_with_password", ["root", "xapicompat", "2.21", "a test"])).Value!.GetValue<string>();
        var client = new XenClient(wire, session);
        var record = await client.RecordAsync("session", session);
        record["is_local_superuser"]!.GetValue<bool>().Should().BeTrue();
        record["subject"]!.GetValue<string>().Should().Be(Records.Null);
        record["auth_user_sid"]!.GetValue<string>().Should().BeEmpty();
        record["auth_user_name"]!.GetValue<string>().Should().Be("root");
        record["rbac_permissions"]!.AsArray().Should().BeEmpty();
        record["pool"]!.GetValue<bool>().Should().BeFalse();
        record["this_host"]!.GetValue<string>().Should().Be((await client.ListAsync("host.get_all"))[0]);
        record["originator"]!.GetValue<string>().Should().Be("a test");
        record["parent"]!.GetValue<string>().Should().Be(Records.Null);
        record["client_certificate"]!.GetValue<bool>().Should().BeFalse();
        record["last_active"]!.GetValue<string>().Should().NotBe(Records.Never);
    }

    [Fact]
    public async Task A_session_lists_its_tasks()
    {
        var client = await server.LoginAsync();
        var task = await client.TextAsync("task.create", "mine", "");
        (await client.ListAsync("session.get_tasks", client.Session)).Should().Equal(task);
    }

    [Fact]
    [SeesEffectOf("session.logout")]
    public async Task A_session_ends_with_its_logout_and_no_other_does()
    {
        var one = await server.LoginAsync();
        var other = await server.LoginAsync();
        await one.CallAsync("session.logout");
        (await one.ErrorAsync("pool.get_all")).Should().Equal("SESSION_INVALID", one.Session);
        (await one.ErrorAsync("session.logout")).Should().Equal("SESSION_INVALID", one.Session);
        (await other.ListAsync("pool.get_all")).Should().HaveCount(1);
        (await other.ErrorAsync("session.get_record", one.Session)).Should().Equal("HANDLE_INVALID", "session", one.Session);
    }

    [Fact]
    [SeesEffectOf("session.slave_local_login_with_password", "session.local_logout")]
    public async Task Local_logins_work_like_others()
    {
        var wire = new JsonWire(server.Http);
        var session = (await wire.CallAsync("session.slave_local_login_with_password", ["root", "xapicompat"])).Value!.GetValue<string>();
        var client = new XenClient(wire, session);
        (await client.ListAsync("pool.get_all")).Should().HaveCount(1);
        await client.CallAsync("session.local_logout");
        (await client.ErrorAsync("pool.get_all")).Should().Equal("SESSION_INVALID", session);
    }

    [Theory]
    [InlineData("")]
    [InlineData("OpaqueRef:NULL")]
    [InlineData("nonsense")]
    [InlineData("' OR 1=1 --")]
    public async Task Nothing_else_is_a_session(string session) =>
        (await new JsonWire(server.Http).CallAsync("pool.get_all", [session])).Error.Should().Equal("SESSION_INVALID", session);

    [Fact]
    public async Task A_session_that_is_no_text_is_refused()
    {
        var error = (await new JsonWire(server.Http).CallAsync("pool.get_all", [5])).Error!;
        error[0].Should().BeOneOf("INTERNAL_ERROR", "SESSION_INVALID");
    }

    [Fact]
    public async Task The_oldest_sessions_of_an_originator_go_first()
    {
        var wire = new JsonWire(server.Http);
        async Task<string> LoginAsync() => (await wire.CallAsync("session.login_with_password", ["root", "xapicompat", "1.0", "many"])).Value!.GetValue<string>();
        var sessions = new List<string>();
        for (var i = 0; i < 505; i++)
            sessions.Add(await LoginAsync());
        (await wire.CallAsync("pool.get_all", [sessions[^1]])).Error.Should().BeNull();
        var alive = 0;
        foreach (var session in sessions)
            alive += (await wire.CallAsync("pool.get_all", [session])).Error is null ? 1 : 0;
        alive.Should().Be(500);
    }

    [Fact]
    [SeesEffectOf("session.change_password")]
    public async Task A_changed_password_holds_at_once()
    {
        var own = await RunningServer.CreateAsync();
        try
        {
            var client = await own.LoginAsync();
            (await client.ErrorAsync("session.change_password", "xapicompat", "")).Should().StartWith("CHANGE_PASSWORD_REJECTED");
            await client.CallAsync("session.change_password", "the old one is not checked", "new");
            (await new JsonWire(own.Http).CallAsync("session.login_with_password", ["root", "xapicompat"])).Error.Should().StartWith("SESSION_AUTHENTICATION_FAILED");
            await XenClient.LoginAsync(new JsonWire(own.Http), "root", "new");
            (await client.ListAsync("pool.get_all")).Should().HaveCount(1);
        }
        finally
        {
            await own.DisposeAsync();
        }
    }
}
