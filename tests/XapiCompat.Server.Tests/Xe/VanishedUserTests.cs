using FluentAssertions;
using XapiCompat.Core.Machines;
using XapiCompat.Server.Tests.Api.Hosts;
using XapiCompat.Server.Tests.Support;
using Xunit;

namespace XapiCompat.Server.Tests.Xe;

/// <summary>Clients that leave in the middle of a dialogue leave nothing behind.</summary>
public sealed class VanishedUserTests : IAsyncLifetime
{
    private RunningServer _server = null!;

    public async Task InitializeAsync() => _server = await RunningServer.CreateAsync();

    public Task DisposeAsync() => _server.DisposeAsync();

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_command_that_waits_ends_with_its_client(bool reset)
    {
        await using var connection = await XeConnection.GreetAsync(_server, "event-wait", "class=vm", "name-label=nobody");
        await Remains.SessionAsync(_server);
        Leave(connection, reset);
        await Remains.NothingAsync(_server);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_question_ends_with_its_client(bool reset)
    {
        var vm = (await new XeDialogue(_server.Port).RunAsync("vm-list", "is-control-domain=false", "--minimal")).Output.TrimEnd('\n').Split(',')[0];
        await using var connection = await XeConnection.GreetAsync(_server, "vm-uninstall", "uuid=" + vm);
        await connection.Client.ReadUntilAsync("Type 'yes' to continue");
        Leave(connection, reset);
        await Remains.NothingAsync(_server);
        (await new XeDialogue(_server.Port).RunAsync("vm-list", "uuid=" + vm, "--minimal")).Output.Should().Be(vm + "\n");
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_file_ends_with_its_client(bool reset)
    {
        await using var connection = await XeConnection.GreetAsync(_server, "sr-create", "name-label=x", "type=sing", "device-config:k-filename=some file");
        (await connection.Frames.ReadAsync(CancellationToken.None))!.Name.Should().Be("Load");
        await connection.Frames.OkAsync(CancellationToken.None);
        await connection.Client.SendAsync(Convert.FromHexString("0c0000000b0000000700000000100000" + "616263"));
        Leave(connection, reset);
        await Remains.NothingAsync(_server);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_transfer_that_never_begins_ends_with_its_client(bool reset)
    {
        await using var connection = await ExportAsync();
        (await connection.Frames.ReadAsync(CancellationToken.None))!.Name.Should().Be("HttpGet");
        Remains.Tasks(_server).Should().Be(1);
        Leave(connection, reset);
        await Remains.NothingAsync(_server);
    }

    [Fact]
    public async Task A_transfer_that_the_client_cannot_begin_does_not_hang()
    {
        await using var connection = await ExportAsync();
        (await connection.Frames.ReadAsync(CancellationToken.None))!.Name.Should().Be("HttpGet");
        await connection.Frames.FailedAsync(CancellationToken.None);
        (await connection.Frames.ReadAsync(CancellationToken.None))!.Texts.Should().Equal("CLIENT_ERROR");
        (await connection.Frames.ReadAsync(CancellationToken.None))!.Number.Should().Be(1);
        await Remains.NothingAsync(_server);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_call_under_way_goes_on_and_its_session_ends(bool reset)
    {
        var clock = new ManualClock(new DateTimeOffset(2026, 5, 1, 12, 0, 0, TimeSpan.Zero));
        await using var own = new OwnServer { Server = await RunningServer.CreateAsync(o => o with { VmDurations = SimulatedDurations.Parse("start=60")! }, clock) };
        var server = own.Server;
        var created = await new XeDialogue(server.Port).RunAsync("vm-create", "name-label=slow" + reset);
        var vm = created.Output.TrimEnd('\n');
        await new XeDialogue(server.Port).RunAsync("vm-param-set", "uuid=" + vm, "VCPUs-max=1", "VCPUs-at-startup=1", "memory-static-max=256MiB", "memory-dynamic-max=256MiB", "memory-dynamic-min=256MiB");
        await using var connection = await XeConnection.GreetAsync(server, "vm-start", "uuid=" + vm);
        await Remains.UntilAsync(() => Remains.Tasks(server) > 0, "the VM starts");
        Leave(connection, reset);
        await Remains.UntilAsync(() => Remains.Sessions(server) == 0, "the session ends");
        Remains.Tasks(server).Should().BePositive("the call goes on");
        await clock.PassUntilAsync(Remains.UntilAsync(() => Remains.Tasks(server) == 0, "the call ends"), TimeSpan.FromSeconds(5));
        await Remains.NothingAsync(server);
    }

    [Theory]
    [InlineData("0c000000" + "0a000000" + "05000000" + "00000000")]
    [InlineData("08000000" + "0a000000" + "05000000")]
    [InlineData("08000000" + "09000000" + "03000000")]
    [InlineData("ffffffff")]
    [InlineData("ffffff7f")]
    [InlineData("00000000")]
    public async Task A_client_that_speaks_unasked_or_nonsense_is_dropped(string hex)
    {
        await using var connection = await XeConnection.GreetAsync(_server, "event-wait", "class=vm", "name-label=nobody");
        await Remains.SessionAsync(_server);
        await connection.Client.SendAsync(Convert.FromHexString(hex));
        (await connection.Client.ReadTextAsync()).Should().BeEmpty();
        await Remains.NothingAsync(_server);
    }

    [Fact]
    public async Task A_server_that_stops_does_not_wait_for_its_users()
    {
        await using var connection = await XeConnection.GreetAsync(_server, "event-wait", "class=vm", "name-label=nobody");
        await Remains.SessionAsync(_server);
        await _server.RestartAsync().WaitAsync(TimeSpan.FromSeconds(60));
        (await connection.Client.ReadTextAsync()).Should().BeEmpty();
        await Remains.NothingAsync(_server);
    }

    private async Task<XeConnection> ExportAsync()
    {
        var sr = (await new XeDialogue(_server.Port).RunAsync("sr-list", "content-type=user", "--minimal")).Output.TrimEnd('\n').Split(',')[0];
        var vdi = (await new XeDialogue(_server.Port).RunAsync("vdi-create", "sr-uuid=" + sr, "name-label=x", "virtual-size=2MiB")).Output.TrimEnd('\n');
        return await XeConnection.GreetAsync(_server, "vdi-export", "uuid=" + vdi, "filename=f");
    }

    private static void Leave(XeConnection connection, bool reset)
    {
        if (reset)
            connection.Client.Reset();
        else
            connection.Client.Close();
    }
}
