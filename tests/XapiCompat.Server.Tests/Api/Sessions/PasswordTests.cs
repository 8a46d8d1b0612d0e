using System.Text;
using FluentAssertions;
using XapiCompat.Server.Tests.Support;
using XapiCompat.Testing;
using Xunit;

namespace XapiCompat.Server.Tests.Api.Sessions;

/// <summary>Passwords between starts, and the file of users.</summary>
public sealed class PasswordTests
{
    [Fact]
    public async Task A_changed_password_outlives_the_server_and_a_given_one_wins()
    {
        var server = await RunningServer.CreateAsync();
        try
        {
            var client = await server.LoginAsync();
            await client.CallAsync("session.change_password", "", "changed");
            var file = Path.Combine(server.StatePath, "root.password");
            File.GetUnixFileMode(file).Should().Be(UnixFileMode.UserRead | UnixFileMode.UserWrite);
            (await File.ReadAllTextAsync(file)).Should().StartWith("pbkdf2-sha256$").And.NotContain("changed");

            await server.RestartAsync();
            (await ErrorAsync(server, ServerOptions.DefaultPassword)).Should().StartWith("SESSION_AUTHENTICATION_FAILED");
            await server.LoginAsync("root", "changed");
            (await ErrorAsync(server, ServerOptions.DefaultPassword)).Should().StartWith("SESSION_AUTHENTICATION_FAILED");

            server.Configure = options => options with { Password = "given" };
            await server.RestartAsync();
            (await ErrorAsync(server, "changed")).Should().StartWith("SESSION_AUTHENTICATION_FAILED");
            await server.LoginAsync("root", "given");

            server.Configure = options => options;
            await server.RestartAsync();
            await server.LoginAsync("root", "changed");
        }
        finally
        {
            await server.DisposeAsync();
        }
    }

    [Theory]
    [InlineData("nonsense", "invalid")]
    [InlineData("{}", "no list")]
    [InlineData("""{"users":[{"name":"a","password":"x","colour":"red"}]}""", "unknown member colour")]
    [InlineData("""{"users":[{"password":"x"}]}""", "no name")]
    [InlineData("""{"users":[{"name":"root","password":"x"}]}""", "--password")]
    [InlineData("""{"users":[{"name":"a","role":"boss","password":"x"}]}""", "unknown role boss")]
    [InlineData("""{"users":[{"name":"a","role":"vm-admin"}]}""", "either")]
    [InlineData("""{"users":[{"name":"a","password":"x","password_hash":"y"}]}""", "either")]
    [InlineData("""{"users":[{"name":"a","password_hash":"md5$1$a$b"}]}""", "not of the form")]
    [InlineData("""{"users":[{"name":"a","password":"x"},{"name":"a","password":"y"}]}""", "twice")]
    public async Task A_users_file_with_a_mistake_stops_the_start(string content, string part)
    {
        using var directory = new TempDirectory();
        var file = directory.File("users.json");
        await File.WriteAllTextAsync(file, content, Encoding.UTF8);
        var options = new ServerOptions { Http = new(System.Net.IPAddress.Loopback, 0), Https = null, State = directory.File("state"), Users = file };
        var failure = (await FluentActions.Awaiting(() => ServerHost.StartAsync(options)).Should().ThrowAsync<StartFailure>()).Which;
        failure.Message.Should().StartWith("the users file " + file).And.Contain(part).And.NotContain("\n");
    }

    [Fact]
    public async Task A_user_who_left_the_file_is_gone_and_roles_of_the_file_hold_again()
    {
        var directory = new TempDirectory();
        var file = directory.File("users.json");
        await File.WriteAllTextAsync(file, """{"users":[{"name":"a","role":"vm-admin","password":"x"},{"name":"b","role":"read-only","password":"y"}]}""");
        var server = await RunningServer.CreateAsync(options => options with { Users = file });
        try
        {
            var root = await server.LoginAsync();
            var b = await root.TextAsync("session.get_subject", (await server.LoginAsync("b", "y")).Session);
            await root.CallAsync("subject.add_to_roles", b, (await root.ListAsync("role.get_by_name_label", "pool-admin"))[0]);
            await File.WriteAllTextAsync(file, """{"users":[{"name":"b","role":"read-only","password":"y"}]}""");
            await server.RestartAsync();
            root = await server.LoginAsync();
            (await root.ListAsync("subject.get_all")).Should().Equal(b);
            (await root.ListAsync("subject.get_roles", b)).Should().HaveCount(1);
            (await new JsonWire(server.Http).CallAsync("session.login_with_password", ["a", "x"])).Error.Should().StartWith("SESSION_AUTHENTICATION_FAILED");
        }
        finally
        {
            await server.DisposeAsync();
            directory.Dispose();
        }
    }

    private static async Task<IReadOnlyList<string>> ErrorAsync(RunningServer server, string password) =>
        (await new JsonWire(server.Http).CallAsync("session.login_with_password", ["root", password])).Error!;
}
