using FluentAssertions;
using XapiCompat.Server.Tests.Api.Hosts;
using XapiCompat.Server.Tests.Support;
using Xunit;

namespace XapiCompat.Server.Tests.Api.ChangedBlocks;

/// <summary>A server that ends in the middle of an operation on tracked disks: its files, copied at that moment, make a server that knows all changes.</summary>
public sealed class KilledTrackingTests(TwoSrServer server) : IClassFixture<TwoSrServer>
{
    [Theory]
    [InlineData("VDI.data_destroy", "data_destroy", "cbt_metadata")]
    [InlineData("VDI.enable_cbt", "enable_cbt", "user")]
    [InlineData("VDI.disable_cbt", "disable_cbt", "user")]
    [InlineData("VDI.snapshot", "snapshot", "user")]
    public async Task What_was_under_way_is_finished_or_has_not_happened(string message, string operation, string type)
    {
        var rig = await ChangedBlocksRig.LoginAsync(server.Server);
        var vdi = await rig.TrackedAsync();
        var first = await rig.SnapshotAsync(vdi);
        await rig.WriteAsync(vdi, 4);
        var second = await rig.SnapshotAsync(vdi);
        await rig.WriteAsync(vdi, 6);
        await using var copy = new RunningServerCopy(server.Server);
        using (var pause = server.Faults.Pause(operation, 1))
        {
            var task = await rig.Api.TextAsync("Async." + message, message == "VDI.data_destroy" ? second : vdi);
            await pause.Reached;
            copy.Take();
            pause.Dispose();
            (await rig.Api.FinishedAsync(task))["status"]!.GetValue<string>().Should().Be("success");
        }

        await copy.Server.StartAsync();
        var after = await ChangedBlocksRig.LoginAsync(copy.Server);
        copy.Server.Host.Records.Intents.Should().BeEmpty();
        (await after.TypeAsync(second)).Should().Be(type);
        (await after.ChangedAsync(first, second)).Should().Equal(4);
        (await after.ChangedAsync(second, vdi)).Should().Equal(6);
        (await after.Api.ListAsync("VDI.get_snapshots", vdi)).Should().BeEquivalentTo(first, second);
        await after.WriteAsync(vdi, 8);
        (await after.ChangedAsync(first, vdi)).Should().Equal(4, 6, 8);
    }

    [Fact]
    public async Task A_disk_that_waited_for_its_VBDs_keeps_data_and_type()
    {
        // It waits for four seconds, which do not pass here.
        var clock = new ManualClock(new DateTimeOffset(2026, 5, 1, 12, 0, 0, TimeSpan.Zero));
        await using var own = new OwnServer { Server = await RunningServer.CreateAsync(clock: clock) };
        var vm = await VmRig.CreateAsync(own.Server);
        await vm.Api.CallAsync("VDI.enable_cbt", (await vm.DisksAsync())["0"]);
        var machine = await vm.SnapshotAsync();
        var snapshot = (await vm.DisksAsync(machine))["0"];
        await using var copy = new RunningServerCopy(own.Server);
        var task = await vm.Api.TextAsync("Async.VDI.data_destroy", snapshot);
        while (await vm.Api.TextAsync("VDI.get_type", snapshot) != "cbt_metadata")
            await Task.Delay(1);
        copy.Take();
        await vm.Api.CallAsync("VM.destroy", machine);
        await clock.PassUntilAsync(vm.Api.FinishedAsync(task), TimeSpan.FromMilliseconds(5));

        await copy.Server.StartAsync();
        var after = new VmRig(await DiskClient.LoginAsync(copy.Server));
        copy.Server.Host.Records.Intents.Should().BeEmpty();
        (await after.Api.TextAsync("VDI.get_type", snapshot)).Should().Be("user");
        (await after.ReadMarkAsync(snapshot)).Should().Be(1);
    }
}
