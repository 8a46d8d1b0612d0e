using FluentAssertions;
using XapiCompat.Core.Laboratory;
using XapiCompat.Server.Tests.Support;
using Xunit;

namespace XapiCompat.Server.Tests.Api.ChangedBlocks;

/// <summary>
/// Logs of changed blocks that the file system does not let go on: the call works, tracking ends, and a message tells of it once.
/// </summary>
public sealed class LostTrackingTests : IAsyncLifetime
{
    private const string Snapshot = "VDI_CBT_SNAPSHOT_FAILED";
    private const string Resize = "VDI_CBT_RESIZE_FAILED";
    private const string Inconsistent = "VDI_CBT_METADATA_INCONSISTENT";

    private readonly XapiCompat.Core.Laboratory.Laboratory _lab = new();
    private RunningServer _server = null!;
    private ChangedBlocksRig _rig = null!;

    private FaultPoints Points => _lab.Points;

    public async Task InitializeAsync()
    {
        _server = await RunningServer.CreateAsync(options => options with { Lab = _lab });
        _rig = await ChangedBlocksRig.LoginAsync(_server);
    }

    public Task DisposeAsync() => _server.DisposeAsync();

    /// <param name="point">What fails of the files of the switch: a snapshot's log that is written, and one that is named.</param>
    /// <param name="kept">The snapshot has taken over what was noted before that.</param>
    [Theory]
    [InlineData("file.open", "*.cbtlog.new", "EIO", false)]
    [InlineData("file.write", "*.cbtlog.next", "ENOSPC", false)]
    [InlineData("file.write", "*.cbtlog.next", "SHORT", false)]
    [InlineData("file.move", "{vdi}.cbtlog", "EIO", true)]
    public async Task A_snapshot_whose_log_fails_is_made_and_tracking_ends(string point, string path, string error, bool kept)
    {
        var vdi = await _rig.TrackedAsync();
        var other = await _rig.TrackedAsync();
        var first = await _rig.SnapshotAsync(vdi);
        await _rig.WriteAsync(vdi, 5);
        var uuid = await _rig.Disks.UuidAsync(vdi);
        var data = await _rig.Disks.HashAsync(vdi);
        var second = await FailingAsync(point, path.Replace("{vdi}", "*" + uuid, StringComparison.Ordinal), error, () => _rig.SnapshotAsync(vdi));

        (await _rig.Disks.HashAsync(second)).Should().Be(data);
        (await _rig.IsTrackedAsync(vdi)).Should().BeFalse();
        (await _rig.IsTrackedAsync(second)).Should().Be(kept);
        (await _rig.IsTrackedAsync(first)).Should().BeTrue();
        (await _rig.IsTrackedAsync(other)).Should().BeTrue();
        await ToldOnceAsync(Snapshot, uuid);
        if (kept)
            (await _rig.ChangedAsync(first, second)).Should().Equal(5);
        (await _rig.Api.ErrorAsync("VDI.list_changed_blocks", first, vdi))[0].Should().Be("SR_BACKEND_FAILURE_460");

        await ScanAsync();
        await ToldOnceAsync(Snapshot, uuid);
        await GoesOnAsync(vdi);
    }

    [Fact]
    public async Task So_does_a_snapshot_of_a_machine_for_the_disk_concerned()
    {
        var vm = await VmRig.CreateAsync(_server);
        var disks = await vm.DisksAsync();
        foreach (var disk in disks.Values)
            await _rig.Api.CallAsync("VDI.enable_cbt", disk);
        var uuid = await _rig.Disks.UuidAsync(disks["0"]);
        var snapshot = await FailingAsync("file.write", "*" + uuid + ".cbtlog.next", "EIO", () => vm.SnapshotAsync("taken"));

        (await _rig.IsTrackedAsync(disks["0"])).Should().BeFalse();
        (await _rig.IsTrackedAsync(disks["1"])).Should().BeTrue();
        (await vm.DisksAsync(snapshot)).Should().HaveCount(disks.Count);
        await ToldOnceAsync(Snapshot, uuid);
    }

    [Theory]
    [InlineData("file.open", "*.cbtlog.tmp", "EIO")]
    [InlineData("file.write", "*.cbtlog.tmp", "ENOSPC")]
    [InlineData("file.move", "*.cbtlog", "EIO")]
    public async Task A_disk_whose_log_does_not_grow_is_grown_and_tracking_ends(string point, string path, string error)
    {
        var vdi = await _rig.TrackedAsync(4 * Records.MiB);
        var uuid = await _rig.Disks.UuidAsync(vdi);
        await FailingAsync(point, path, error, () => _rig.Api.CallAsync("VDI.resize", vdi, 8 * Records.MiB));

        (await _rig.Disks.RecordAsync(vdi))["virtual_size"]!.ToString().Should().Be((8 * Records.MiB).ToString(System.Globalization.CultureInfo.InvariantCulture));
        (await _rig.IsTrackedAsync(vdi)).Should().BeFalse();
        await ToldOnceAsync(Resize, uuid);
        await GoesOnAsync(vdi);
    }

    /// <summary>The call fails, and what it did to tracking all the same is not kept from anybody.</summary>
    [Fact]
    public async Task A_disk_that_lost_its_log_and_did_not_grow_says_so()
    {
        var vdi = await _rig.TrackedAsync(4 * Records.MiB);
        var uuid = await _rig.Disks.UuidAsync(vdi);
        var failed = await FailingAsync("file.write", "*" + uuid + ".*", "EIO", () => _rig.Api.ErrorAsync("VDI.resize", vdi, 8 * Records.MiB), stays: true);

        failed[0].Should().Be("SR_BACKEND_FAILURE_110");
        (await _rig.IsTrackedAsync(vdi)).Should().BeFalse();
        await ToldOnceAsync(Resize, uuid);
        await ScanAsync();
        await ToldOnceAsync(Resize, uuid);
        (await _rig.MessagesAsync(Inconsistent)).Should().BeEmpty();
        await GoesOnAsync(vdi);
    }

    [Fact]
    public async Task A_log_that_is_gone_is_told_of_by_the_next_scan()
    {
        var vdi = await _rig.TrackedAsync();
        var first = await _rig.SnapshotAsync(vdi);
        var uuid = await _rig.Disks.UuidAsync(vdi);
        File.Delete(LogOf(uuid));
        await ScanAsync();

        (await _rig.IsTrackedAsync(vdi)).Should().BeFalse();
        (await _rig.IsTrackedAsync(first)).Should().BeTrue();
        await ToldOnceAsync(Inconsistent, uuid);
        await ScanAsync();
        await ToldOnceAsync(Inconsistent, uuid);
    }

    /// <summary>Its last writer could not close the log, and then the power went.</summary>
    [Fact]
    public async Task A_log_that_could_not_be_closed_ends_with_the_next_boot()
    {
        var vdi = await _rig.TrackedAsync();
        var uuid = await _rig.Disks.UuidAsync(vdi);

        // The bits, the word that they are not settled and the boot are written; what says that they are is not.
        await _rig.WriteAsync(vdi, 2);
        var log = LogOf(uuid);
        await FailingAsync("file.write", "*" + uuid + ".cbtlog", "EIO", () => _rig.WriteAsync(vdi, 3), passing: 4);
        (await _rig.IsTrackedAsync(vdi)).Should().BeTrue("no bit is lost as long as the machine runs");
        (await File.ReadAllBytesAsync(log))[32].Should().Be(0);
        await _server.StopAsync();
        var bytes = await File.ReadAllBytesAsync(log);
        bytes[32] = 0;
        bytes.AsSpan(bytes.Length - 16).Fill(9);
        await File.WriteAllBytesAsync(log, bytes);
        await _server.StartAsync();
        _rig = await ChangedBlocksRig.LoginAsync(_server);

        (await _rig.IsTrackedAsync(vdi)).Should().BeFalse();
        await ToldOnceAsync(Inconsistent, uuid);
        await GoesOnAsync(vdi);
    }

    [Fact]
    public async Task A_log_that_is_none_any_more_is_told_of_at_the_next_start()
    {
        var vdi = await _rig.TrackedAsync();
        var uuid = await _rig.Disks.UuidAsync(vdi);
        await _server.StopAsync();
        await File.WriteAllTextAsync(LogOf(uuid), "torn");
        await _server.StartAsync();
        _rig = await ChangedBlocksRig.LoginAsync(_server);

        (await _rig.IsTrackedAsync(vdi)).Should().BeFalse();
        await ToldOnceAsync(Inconsistent, uuid);
    }

    /// <summary>What was lost can be begun anew.</summary>
    private async Task GoesOnAsync(string vdi)
    {
        await _rig.Api.CallAsync("VDI.enable_cbt", vdi);
        (await _rig.IsTrackedAsync(vdi)).Should().BeTrue();
        var from = await _rig.SnapshotAsync(vdi);
        await _rig.WriteAsync(vdi, 9);
        (await _rig.ChangedAsync(from, vdi)).Should().Equal(9);
    }

    private async Task ToldOnceAsync(string name, string uuid)
    {
        var message = (await _rig.MessagesAsync(name)).Where(m => m["obj_uuid"]!.GetValue<string>() == uuid).Should().ContainSingle().Which;
        message["cls"]!.GetValue<string>().Should().Be("VDI");
        message["priority"]!.ToString().Should().Be("3");
        message["body"]!.GetValue<string>().Should().Contain(uuid);
    }

    private async Task ScanAsync() => await _rig.Api.CallAsync("SR.scan", await _rig.Disks.DefaultSrAsync());

    private string LogOf(string uuid) => Directory.EnumerateFiles(_server.StatePath, uuid + ".cbtlog", SearchOption.AllDirectories).Single();

    private async Task FailingAsync(string point, string path, string error, Func<Task> call, int passing = 1) => await FailingAsync(
        point,
        path,
        error,
        async () =>
        {
            await call();
            return true;
        },
        passing: passing);

    private async Task<T> FailingAsync<T>(string point, string path, string error, Func<Task<T>> call, bool stays = false, int passing = 1)
    {
        var rule = new FaultRule(point, "*", passing, FaultAction.Error, FaultError.All.Single(e => e.Name == error), stays) { Path = path };
        var id = Points.Add(rule);
        try
        {
            return await call();
        }
        finally
        {
            Points.Remove(id);
            rule.ReachedAt.Should().NotBeNull("the failure is the reason");
        }
    }
}
