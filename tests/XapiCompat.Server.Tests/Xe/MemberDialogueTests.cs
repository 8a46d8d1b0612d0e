using System.Net.Sockets;
using System.Net;
using FluentAssertions;
using XapiCompat.Server.Tests.Support;
using Xunit;

namespace XapiCompat.Server.Tests.Xe;

/// <summary>A host that is not the coordinator sends its callers there.</summary>
public sealed class MemberDialogueTests : IAsyncLifetime
{
    private RunningServer _server = null!;

    public async Task InitializeAsync() => _server = await RunningServer.CreateAsync(o => o with { Seed = new(Hosts: 2) });

    public Task DisposeAsync() => _server.DisposeAsync();

    [Fact]
    public async Task A_member_names_the_coordinator()
    {
        using var socket = new Socket(SocketType.Stream, ProtocolType.Tcp);
        await socket.ConnectAsync(new IPEndPoint(IPAddress.Parse(_server.Host.Members[0].Address), _server.Port));
        await using var stream = new NetworkStream(socket);
        await stream.WriteAsync(XeConnection.Request(["vm-list"]));
        var frames = new XeFrames(stream);
        await frames.GreetAsync(CancellationToken.None);
        var error = "";
        while (await frames.ReadAsync(CancellationToken.None) is { Name: "PrintStderr" } frame)
            error += frame.Texts[0];
        error.Should().EndWith("IP address: 127.0.0.1\n");
    }
}
