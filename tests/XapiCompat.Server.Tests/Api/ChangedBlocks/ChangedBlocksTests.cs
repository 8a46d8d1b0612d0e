using FluentAssertions;
using XapiCompat.Server.Tests.Support;
using Xunit;

namespace XapiCompat.Server.Tests.Api.ChangedBlocks;

/// <summary>VDI.enable_cbt, VDI.disable_cbt and VDI.list_changed_blocks.</summary>
public sealed class ChangedBlocksTests(TwoSrServer server) : IClassFixture<TwoSrServer>
{
    [Fact]
    [SeesEffectOf("VDI.enable_cbt", "VDI.list_changed_blocks")]
    public async Task Bits_come_most_significant_first_in_base64()
    {
        var rig = await RigAsync();
        var vdi = await rig.TrackedAsync(8 * Records.MiB);
        (await rig.IsTrackedAsync(vdi)).Should().BeTrue();
        var first = await rig.SnapshotAsync(vdi);
        await rig.WriteAsync(vdi, 0, 5, 127);
        (await rig.Api.TextAsync("VDI.list_changed_blocks", first, vdi)).Should().Be("hAAAAAAAAAAAAAAAAAAAAQ==");
        var second = await rig.SnapshotAsync(vdi);
        (await rig.Api.TextAsync("VDI.list_changed_blocks", first, second)).Should().Be("hAAAAAAAAAAAAAAAAAAAAQ==");
        (await rig.Api.TextAsync("VDI.list_changed_blocks", second, vdi)).Should().Be("AAAAAAAAAAAAAAAAAAAAAA==");
        var record = await rig.Disks.RecordAsync(second);
        record["cbt_enabled"]!.GetValue<bool>().Should().BeTrue();
        record["type"]!.GetValue<string>().Should().Be("user");
        record["allowed_operations"]!.AsArray().Select(o => o!.GetValue<string>()).Should().BeEquivalentTo(
            "clone", "copy", "resize", "snapshot", "destroy", "forget", "update", "generate_config");
    }

    [Fact]
    public async Task Async_calls_leave_the_bitmap_in_the_task()
    {
        var rig = await RigAsync();
        var vdi = await rig.Disks.CreateAsync(2 * Records.MiB);
        (await rig.Api.FinishedTaskAsync("Async.VDI.enable_cbt", vdi))["status"]!.GetValue<string>().Should().Be("success");
        var snapshot = await rig.SnapshotAsync(vdi);
        await rig.WriteAsync(vdi, 31);
        var task = await rig.Api.FinishedTaskAsync("Async.VDI.list_changed_blocks", snapshot, vdi);
        task["result"]!.GetValue<string>().Should().Be("<value>AAAAAQ==</value>");
        task = await rig.Api.FinishedTaskAsync("Async.VDI.list_changed_blocks", vdi, vdi);
        task["error_info"]!.AsArray()[0]!.GetValue<string>().Should().Be("SR_BACKEND_FAILURE_460");
    }

    [Fact]
    public async Task Enabling_and_disabling_twice_changes_nothing()
    {
        var rig = await RigAsync();
        var vdi = await rig.TrackedAsync();
        var snapshot = await rig.SnapshotAsync(vdi);
        await rig.WriteAsync(vdi, 3);
        await rig.Api.CallAsync("VDI.enable_cbt", vdi);
        (await rig.ChangedAsync(snapshot, vdi)).Should().Equal(3);
        await rig.Api.CallAsync("VDI.disable_cbt", vdi);
        await rig.Api.CallAsync("VDI.disable_cbt", vdi);
        (await rig.IsTrackedAsync(vdi)).Should().BeFalse();
    }

    [Fact]
    [SeesEffectOf("VDI.disable_cbt")]
    public async Task Disabling_cuts_the_chain_and_older_snapshots_stay_related()
    {
        var rig = await RigAsync();
        var vdi = await rig.TrackedAsync();
        var first = await rig.SnapshotAsync(vdi);
        await rig.WriteAsync(vdi, 1);
        var second = await rig.SnapshotAsync(vdi);
        await rig.Api.CallAsync("VDI.disable_cbt", vdi);
        (await rig.IsTrackedAsync(vdi)).Should().BeFalse();
        (await rig.IsTrackedAsync(second)).Should().BeTrue();
        (await rig.ChangedAsync(first, second)).Should().Equal(1);
        await UnrelatedAsync(rig, second, vdi);
        await rig.Api.CallAsync("VDI.enable_cbt", vdi);
        await UnrelatedAsync(rig, second, vdi);
        (await rig.MessagesAsync("VDI_CBT_METADATA_INCONSISTENT")).Should().BeEmpty("it was asked for");
    }

    [Fact]
    public async Task Grown_disks_have_longer_bitmaps()
    {
        var rig = await RigAsync();
        var vdi = await rig.TrackedAsync(2 * Records.MiB);
        var small = await rig.SnapshotAsync(vdi);
        await rig.Api.CallAsync("VDI.resize", vdi, 4 * Records.MiB);
        (await rig.Api.TextAsync("VDI.list_changed_blocks", small, vdi)).Should().Be("AAAAAAAAAAA=");
        await rig.WriteAsync(vdi, 40);
        (await rig.ChangedAsync(small, vdi)).Should().Equal(40);
    }

    [Fact]
    public async Task Machines_snapshots_and_reverts_keep_to_their_disks()
    {
        var vm = await VmRig.CreateAsync(server.Server);
        var rig = new ChangedBlocksRig(vm.Disks);
        var disk = (await vm.DisksAsync())["0"];
        await rig.Api.CallAsync("VDI.enable_cbt", disk);
        var first = (await vm.DisksAsync(await vm.SnapshotAsync("first")))["0"];
        await rig.WriteAsync(disk, 2);
        var snapshot = await vm.SnapshotAsync("second");
        var second = (await vm.DisksAsync(snapshot))["0"];
        (await rig.IsTrackedAsync(second)).Should().BeTrue();
        (await rig.IsTrackedAsync((await vm.DisksAsync(snapshot))["1"])).Should().BeFalse();
        (await rig.ChangedAsync(first, second)).Should().Equal(2);

        await vm.Api.CallAsync("VM.revert", snapshot);
        var reverted = (await vm.DisksAsync())["0"];
        (await rig.IsTrackedAsync(reverted)).Should().BeFalse();
        await UnrelatedAsync(rig, second, reverted);
        (await rig.ChangedAsync(first, second)).Should().Equal(2);
    }

    [Fact]
    public async Task Same_reversed_unrelated_and_untracked_disks_are_refused()
    {
        var rig = await RigAsync();
        var vdi = await rig.TrackedAsync();
        var snapshot = await rig.SnapshotAsync(vdi);
        var clone = await rig.Api.TextAsync("VDI.clone", snapshot);
        var other = await rig.TrackedAsync();
        var elsewhere = await rig.Api.TextAsync("VDI.create", Records.Vdi(server.OtherSr, 4 * Records.MiB));
        var same = await rig.Api.ErrorAsync("VDI.list_changed_blocks", vdi, vdi);
        same[0].Should().Be("SR_BACKEND_FAILURE_460");
        same[1].Should().BeEmpty();
        same[2].Should().EndWith("[opterr=Source and target VDI are same]");
        same.Should().HaveCount(4);
        foreach (var (from, to) in new[] { (vdi, snapshot), (other, vdi), (snapshot, clone), (clone, vdi), (vdi, elsewhere), (elsewhere, vdi) })
            await UnrelatedAsync(rig, from, to);
    }

    [Fact]
    public async Task The_rules_speak_before_the_storage()
    {
        var vm = await VmRig.CreateAsync(server.Server);
        var rig = new ChangedBlocksRig(vm.Disks);
        var disk = (await vm.DisksAsync())["0"];
        await rig.Api.CallAsync("VDI.enable_cbt", disk);
        var snapshot = await rig.SnapshotAsync(disk);
        foreach (var message in (string[])["VDI.enable_cbt", "VDI.disable_cbt"])
        {
            (await rig.Api.ErrorAsync(message, snapshot)).Should().Equal("OPERATION_NOT_ALLOWED", "VDI is a snapshot: " + snapshot);
            var memory = await vm.Disks.CreateAsync(2 * Records.MiB, "memory", ("type", "suspend"));
            (await rig.Api.ErrorAsync(message, memory)).Should().Equal("VDI_INCOMPATIBLE_TYPE", memory, "Suspend");
            var @base = server.Server.Host.Records.Current.All(server.Server.Host.Records.Model.Class("VDI")).First(v => !v.Flag("managed")).Reference;
            (await rig.Api.ErrorAsync(message, @base)).Should().Equal("VDI_NOT_MANAGED", @base);
            (await rig.Api.ErrorAsync(message, "OpaqueRef:none")).Should().Equal("HANDLE_INVALID", "VDI", "OpaqueRef:none");
        }

        (await rig.Api.ErrorAsync("VDI.set_on_boot", disk, "reset")).Should().Equal("VDI_CBT_ENABLED", disk);
        server.SetFeature("ext", "VDI_CONFIG_CBT", false);
        var sr = await vm.Disks.DefaultSrAsync();
        try
        {
            foreach (var message in (string[])["VDI.enable_cbt", "VDI.disable_cbt", "VDI.data_destroy"])
                (await rig.Api.ErrorAsync(message, disk)).Should().Equal("SR_OPERATION_NOT_SUPPORTED", sr);
            (await rig.Api.ErrorAsync("VDI.list_changed_blocks", snapshot, disk)).Should().Equal("SR_OPERATION_NOT_SUPPORTED", sr);
        }
        finally
        {
            server.SetFeature("ext", "VDI_CONFIG_CBT", true);
        }

        await vm.Api.CallAsync("VM.start", vm.Vm, false, false);
        (await rig.Api.ErrorAsync("VDI.list_changed_blocks", snapshot, disk)).Should().Equal("VDI_IN_USE", disk, "list_changed_blocks");
        (await rig.ChangedAsync(snapshot, await rig.SnapshotAsync(disk))).Should().BeEmpty();
        await rig.Api.CallAsync("VDI.disable_cbt", disk);
        await rig.Api.CallAsync("VDI.enable_cbt", disk);
        await vm.Api.CallAsync("VM.hard_shutdown", vm.Vm);
    }

    [Fact]
    public async Task Without_a_licence_tracking_does_not_begin()
    {
        var rig = await RigAsync();
        var vdi = await rig.Disks.CreateAsync(2 * Records.MiB);
        var pool = (await rig.Api.ListAsync("pool.get_all"))[0];
        SetRestricted(pool, true);
        try
        {
            (await rig.Api.ErrorAsync("VDI.enable_cbt", vdi)).Should().Equal("LICENCE_RESTRICTION", "CBT");
        }
        finally
        {
            SetRestricted(pool, false);
        }

        await rig.Api.CallAsync("VDI.enable_cbt", vdi);
    }

    [Fact]
    public async Task A_plain_file_has_no_log()
    {
        var rig = await RigAsync();
        var vdi = await rig.Disks.CreateAsync(Records.MiB, "plain", ("sm_config", JsonArguments.Map(("type", "raw"))));
        (await rig.Api.ErrorAsync("VDI.enable_cbt", vdi))[0].Should().Be("SR_BACKEND_FAILURE_66");
        (await rig.IsTrackedAsync(vdi)).Should().BeFalse();
    }

    [Theory]
    [InlineData("VDI.enable_cbt", "enable_cbt", 457)]
    [InlineData("VDI.disable_cbt", "disable_cbt", 458)]
    public async Task A_failure_of_the_storage_leaves_tracking_as_it_was(string message, string operation, int number)
    {
        var rig = await RigAsync();
        var vdi = number == 458 ? await rig.TrackedAsync() : await rig.Disks.CreateAsync(2 * Records.MiB);
        server.Faults.Fail(operation, 1, () => new XapiCompat.Storage.StorageException((XapiCompat.Storage.StorageFault)number, "it failed"));
        (await rig.Api.ErrorAsync(message, vdi)).Should().Equal("SR_BACKEND_FAILURE_" + number, "", "it failed", "");
        (await rig.IsTrackedAsync(vdi)).Should().Be(number == 458);
        var record = await rig.Disks.RecordAsync(vdi);
        record["current_operations"]!.AsObject().Should().BeEmpty();
        await rig.Api.CallAsync(message, vdi);
    }

    private void SetRestricted(string pool, bool on) => server.Server.Host.Records.Commit(
        unit => unit.Set(pool, "restrictions", unit.Find(pool)!.Map("restrictions").With("restrict_cbt", on ? "true" : "false")));

    private Task<ChangedBlocksRig> RigAsync() => ChangedBlocksRig.LoginAsync(server.Server);

    private static async Task UnrelatedAsync(ChangedBlocksRig rig, string from, string to)
    {
        var error = await rig.Api.ErrorAsync("VDI.list_changed_blocks", from, to);
        error[0].Should().Be("SR_BACKEND_FAILURE_460");
        error[2].Should().EndWith("[opterr=Source and target VDI are unrelated]");
    }
}
