using System.Net.Sockets;
using System.Text.Json;
using FluentAssertions;
using XapiCompat.Server.Tests.Support;
using XapiCompat.Testing;
using Xunit;

namespace XapiCompat.Server.Tests.Api.Sessions;

/// <summary>The socket on a file: HTTP as everywhere, for callers that are trusted.</summary>
public sealed class LocalSocketTests : IAsyncLifetime
{
    private readonly TempDirectory _directory = new();
    private RunningServer _server = null!;

    private string SocketPath => _directory.File("xapi");

    public async Task InitializeAsync() => _server = await RunningServer.CreateAsync(options => options with { Unix = SocketPath });

    public async Task DisposeAsync()
    {
        await _server.DisposeAsync();
        _directory.Dispose();
    }

    [Fact]
    public async Task An_empty_login_is_root_in_both_protocols()
    {
        using var http = Http();
        foreach (var wire in (IRpcWire[])[new XmlWire(http), new XmlWire(http, "/RPC2"), new JsonWire(http)])
        {
            var client = await XenClient.LoginAsync(wire, "", "");
            (await client.FlagAsync("session.get_is_local_superuser", client.Session)).Should().BeTrue();
            (await client.TextAsync("session.get_auth_user_name", client.Session)).Should().Be("root");
            (await client.CallAsync("pool.get_all_records")).AsObject().Should().HaveCount(1);
            await client.CallAsync("session.logout");
        }

        await XenClient.LoginAsync(new JsonWire(http));
        (await new JsonWire(http).CallAsync("session.login_with_password", ["root", "wrong"])).Error.Should().StartWith("SESSION_AUTHENTICATION_FAILED");
        (await new JsonWire(_server.Http).CallAsync("session.login_with_password", ["", ""])).Error.Should().StartWith("SESSION_AUTHENTICATION_FAILED");
    }

    [Fact]
    public async Task Handlers_need_no_credentials_there()
    {
        using var http = Http();
        (await PlainHttp.SendAsync(http, HttpMethod.Get, "/export_raw_vdi?vdi=" + SampleValues.Nowhere)).Status.Should().Be(500);
        var endless = await RawAsync("PUT /import_raw_vdi?vdi=" + SampleValues.Nowhere + " HTTP/1.0\r\n\r\n");
        endless.Should().StartWith("HTTP/1.1 500").And.Contain("HANDLE_INVALID");
        (await PlainHttp.SendAsync(_server.Http, HttpMethod.Get, "/export_raw_vdi?vdi=" + SampleValues.Nowhere)).Status.Should().Be(401);
    }

    [Fact]
    public void Only_the_owner_may_open_it_and_the_ready_line_names_it()
    {
        File.GetUnixFileMode(SocketPath).Should().Be(UnixFileMode.UserRead | UnixFileMode.UserWrite);
        using var ready = JsonDocument.Parse(_server.Host.ReadyLine(_server.Options));
        ready.RootElement.GetProperty("unix").GetString().Should().Be(SocketPath);
        ready.RootElement.GetProperty("http").GetString().Should().StartWith("http://127.0.0.1:");
    }

    [Fact]
    public async Task The_file_goes_with_the_server_and_a_left_over_one_is_taken()
    {
        await _server.StopAsync();
        File.Exists(SocketPath).Should().BeFalse();
        using (var dead = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified))
        {
            dead.Bind(new UnixDomainSocketEndPoint(SocketPath));
            File.Move(SocketPath, SocketPath + ".kept");
        }

        File.Move(SocketPath + ".kept", SocketPath);
        await _server.StartAsync();
        using var http = Http();
        await XenClient.LoginAsync(new JsonWire(http), "", "");

        var other = new ServerOptions { Http = null, Https = null, Unix = SocketPath, State = _directory.File("other") };
        await FluentActions.Awaiting(() => ServerHost.StartAsync(other)).Should().ThrowAsync<StartFailure>().WithMessage("cannot listen*");
        await XenClient.LoginAsync(new JsonWire(http), "", "");
        await File.WriteAllTextAsync(_directory.File("precious"), "data");
        await FluentActions.Awaiting(() => ServerHost.StartAsync(other with { Unix = _directory.File("precious") })).Should().ThrowAsync<StartFailure>();
        (await File.ReadAllTextAsync(_directory.File("precious"))).Should().Be("data");
    }

    /// <summary>An upload without a length does not go through the usual way.</summary>
    private async Task<string> RawAsync(string text)
    {
        using var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        await socket.ConnectAsync(new UnixDomainSocketEndPoint(SocketPath));
        using var reader = new StreamReader(new NetworkStream(socket));
        await socket.SendAsync(System.Text.Encoding.ASCII.GetBytes(text));
        socket.Shutdown(SocketShutdown.Send);
        return await reader.ReadToEndAsync().WaitAsync(TimeSpan.FromSeconds(60));
    }

    private HttpClient Http() => new(new SocketsHttpHandler
    {
        ConnectCallback = async (_, cancellation) =>
        {
            var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
            await socket.ConnectAsync(new UnixDomainSocketEndPoint(SocketPath), cancellation);
            return new NetworkStream(socket, ownsSocket: true);
        },
    })
    {
        BaseAddress = new("http://localhost"),
        Timeout = TimeSpan.FromSeconds(60),
    };
}
