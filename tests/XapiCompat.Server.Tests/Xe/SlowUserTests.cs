using FluentAssertions;
using XapiCompat.Server.Tests.Connections;
using XapiCompat.Server.Tests.Support;
using Xunit;

namespace XapiCompat.Server.Tests.Xe;

/// <summary>Clients that come in tiny pieces, or not at all, do not stay for ever.</summary>
public sealed class SlowUserTests : IAsyncLifetime
{
    private readonly ManualClock _clock = new(new(2026, 5, 1, 12, 0, 0, TimeSpan.Zero));

    private RunningServer _server = null!;

    public async Task InitializeAsync() => _server = await RunningServer.CreateAsync(clock: _clock);

    public Task DisposeAsync() => _server.DisposeAsync();

    [Theory]
    [InlineData("content-length: 100\r\n\r\nhelp", 0)]
    [InlineData("content-length: 4\r\n\r\nhelp", 35)]
    public async Task A_client_that_does_not_go_on_is_dropped(string rest, int answered)
    {
        await using var client = await RawClient.ConnectAsync(_server.Port, tls: false);
        await client.SendAsync("POST /cli HTTP/1.0\r\n" + rest);
        await client.ReadExactlyAsync(answered);
        await EndsAsync(client, TimeSpan.FromSeconds(31));
    }

    [Fact]
    public async Task A_question_that_nobody_answers_ends()
    {
        var vm = (await new XeDialogue(_server.Port).RunAsync("vm-list", "is-control-domain=false", "--minimal")).Output.TrimEnd('\n').Split(',')[0];
        await using var connection = await XeConnection.GreetAsync(_server, "vm-uninstall", "uuid=" + vm);
        await connection.Client.ReadUntilAsync("Type 'yes' to continue");
        await connection.Client.ReadExactlyAsync(12);
        await EndsAsync(connection.Client, TimeSpan.FromMinutes(61));
        await Remains.NothingAsync(_server);
    }

    [Fact]
    public async Task A_transfer_without_a_sign_of_life_ends()
    {
        var sr = (await new XeDialogue(_server.Port).RunAsync("sr-list", "content-type=user", "--minimal")).Output.TrimEnd('\n').Split(',')[0];
        var vdi = (await new XeDialogue(_server.Port).RunAsync("vdi-create", "sr-uuid=" + sr, "name-label=x", "virtual-size=2MiB")).Output.TrimEnd('\n');
        await using var connection = await XeConnection.GreetAsync(_server, "vdi-export", "uuid=" + vdi, "filename=f");
        (await connection.Frames.ReadAsync(CancellationToken.None))!.Name.Should().Be("HttpGet");
        await EndsAsync(connection.Client, TimeSpan.FromMinutes(17));
        await Remains.NothingAsync(_server);
    }

    [Fact]
    public async Task A_body_in_single_bytes_is_read()
    {
        await using var client = await RawClient.ConnectAsync(_server.Port, tls: false);
        foreach (var b in XeConnection.Request(["help", "sing"]))
            await client.SendAsync(new[] { b });
        await client.ReadExactlyAsync(35);
        foreach (var b in XeFrames.Greeting)
            await client.SendAsync(new[] { b });
        (await client.ReadTextAsync()).Should().Contain("Unknown command 'sing'");
    }

    /// <summary>Time passes until the server closes.</summary>
    private async Task EndsAsync(RawClient client, TimeSpan step)
    {
        var end = client.ReadTextAsync();
        await _clock.PassUntilAsync(end, step);
        await end;
    }
}
