using FluentAssertions;
using XapiCompat.Server.Tests.Api.Hosts;
using XapiCompat.Server.Tests.Support;
using Xunit;

namespace XapiCompat.Server.Tests.Api.ChangedBlocks;

/// <summary>VDI.data_destroy, and what is left of a disk after it.</summary>
public sealed class DataDestroyTests(TwoSrServer server) : IClassFixture<TwoSrServer>
{
    [Fact]
    [SeesEffectOf("VDI.data_destroy")]
    public async Task The_data_goes_and_the_record_stays()
    {
        var rig = await ChangedBlocksRig.LoginAsync(server.Server);
        var vdi = await rig.TrackedAsync();
        var sr = await rig.Disks.DefaultSrAsync();
        await rig.WriteAsync(vdi, 1);
        var snapshot = await rig.SnapshotAsync(vdi);
        await rig.WriteAsync(vdi, 2);
        var before = await rig.Disks.RecordAsync(snapshot);
        var allocation = await NumberAsync(rig, "SR.get_virtual_allocation", sr);
        await rig.Api.CallAsync("VDI.data_destroy", snapshot);

        var after = await rig.Disks.RecordAsync(snapshot);
        after["type"]!.GetValue<string>().Should().Be("cbt_metadata");
        after["physical_utilisation"]!.ToString().Length.Should().BeLessThan(5);
        after["allowed_operations"]!.AsArray().Select(o => o!.GetValue<string>()).Should().BeEquivalentTo("destroy", "forget", "update", "generate_config");
        foreach (var (field, value) in before)
        {
            if (field is not ("type" or "physical_utilisation" or "allowed_operations" or "sm_config"))
                after[field]!.ToJsonString().Should().Be(value!.ToJsonString(), field);
        }

        (await NumberAsync(rig, "SR.get_virtual_allocation", sr)).Should().Be(allocation - 4 * Records.MiB);
        var uuid = await rig.Disks.UuidAsync(snapshot);
        Directory.EnumerateFiles(server.Server.StatePath, uuid + "*", SearchOption.AllDirectories).Select(Path.GetExtension).Should().BeEquivalentTo(".cbtlog", ".meta");
        (await rig.ChangedAsync(snapshot, vdi)).Should().Equal(2);
        await rig.Api.CallAsync("VDI.data_destroy", snapshot);
        (await rig.MessagesAsync("VDI_CBT_METADATA_INCONSISTENT")).Should().BeEmpty();
    }

    [Fact]
    public async Task Without_data_a_disk_is_listed_both_ways_and_destroyed_without_harm()
    {
        var rig = await ChangedBlocksRig.LoginAsync(server.Server);
        var vdi = await rig.TrackedAsync();
        var snapshots = new List<string>();
        for (var i = 0; i < 4; i++)
        {
            snapshots.Add(await rig.SnapshotAsync(vdi));
            await rig.WriteAsync(vdi, i);
        }

        foreach (var snapshot in snapshots.Skip(1))
            (await rig.Api.FinishedTaskAsync("Async.VDI.data_destroy", snapshot))["status"]!.GetValue<string>().Should().Be("success");
        (await rig.ChangedAsync(snapshots[0], snapshots[2])).Should().Equal(0, 1);
        (await rig.ChangedAsync(snapshots[1], snapshots[3])).Should().Equal(1, 2);
        (await rig.ChangedAsync(snapshots[3], vdi)).Should().Equal(3);
        await rig.Api.CallAsync("VDI.destroy", snapshots[2]);
        (await rig.ChangedAsync(snapshots[1], snapshots[3])).Should().Equal(1, 2);
        await rig.Api.CallAsync("VDI.destroy", snapshots[3]);
        (await rig.ChangedAsync(snapshots[1], vdi)).Should().Equal(1, 2, 3);
        (await rig.Disks.ExportAsync(snapshots[0])).Should().OnlyContain(b => b == 0);
        (await rig.Disks.ExportAsync(vdi))[(3 * ChangedBlocksRig.Block) + (7 * 512)].Should().Be(4);
    }

    [Fact]
    public async Task Nothing_that_needs_data_is_done_without()
    {
        var rig = await ChangedBlocksRig.LoginAsync(server.Server);
        var vdi = await rig.TrackedAsync();
        var gone = await rig.SnapshotAsync(vdi);
        await rig.Api.CallAsync("VDI.data_destroy", gone);
        var vm = await rig.Api.TextAsync("VM.create", Records.Vm("machine"));
        var sr = await rig.Disks.DefaultSrAsync();
        foreach (var (message, arguments) in new (string, object?[])[]
        {
            ("VDI.snapshot", [gone, JsonArguments.Map()]), ("VDI.clone", [gone, JsonArguments.Map()]), ("VDI.copy", [gone, sr]), ("VDI.resize", [gone, 8 * Records.MiB]),
            ("VDI.enable_cbt", [gone]), ("VDI.disable_cbt", [gone]), ("VDI.set_on_boot", [gone, "reset"]), ("VDI.checksum", [gone]),
            ("VBD.create", [Records.Vbd(vm, gone)]), ("VDI.copy", [vdi, Records.Null, Records.Null, gone]), ("VDI.copy", [vdi, sr, gone]),
        })
            (await rig.Api.ErrorAsync(message, arguments)).Should().Equal(["VDI_INCOMPATIBLE_TYPE", gone, "CBT metadata"], message);

        using var export = await server.Server.Http.GetAsync($"/export_raw_vdi?session_id={rig.Api.Session}&vdi={gone}&format=raw");
        ((int)export.StatusCode).Should().Be(500);
        using var difference = await server.Server.Http.GetAsync($"/export_raw_vdi?session_id={rig.Api.Session}&vdi={vdi}&format=vhd&base={gone}");
        ((int)difference.StatusCode).Should().Be(500);
        (await rig.Api.ErrorAsync("VDI.create", Records.Vdi(sr, Records.MiB, "x", ("type", "cbt_metadata")))).Should().Equal("VDI_INCOMPATIBLE_TYPE", "", "CBT metadata");
    }

    [Fact]
    public async Task Only_tracked_snapshots_lose_their_data()
    {
        var rig = await ChangedBlocksRig.LoginAsync(server.Server);
        var vdi = await rig.TrackedAsync();
        (await rig.Api.ErrorAsync("VDI.data_destroy", vdi)).Should().Equal("OPERATION_NOT_ALLOWED", "VDI is not a snapshot: " + vdi);
        await rig.Api.CallAsync("VDI.disable_cbt", vdi);
        var snapshot = await rig.SnapshotAsync(vdi);
        (await rig.Api.ErrorAsync("VDI.data_destroy", snapshot)).Should().Equal("VDI_NO_CBT_METADATA", snapshot);
        (await rig.TypeAsync(snapshot)).Should().Be("user");
    }

    [Fact]
    public async Task Disks_of_a_machine_s_snapshot_wait_for_it_to_go()
    {
        // It waits for four seconds, which the test lets pass or not.
        var clock = new ManualClock(new DateTimeOffset(2026, 5, 1, 12, 0, 0, TimeSpan.Zero));
        await using var own = new OwnServer { Server = await RunningServer.CreateAsync(clock: clock) };
        var vm = await VmRig.CreateAsync(own.Server);
        var rig = new ChangedBlocksRig(vm.Disks);
        await rig.Api.CallAsync("VDI.enable_cbt", (await vm.DisksAsync())["0"]);
        var machine = await vm.SnapshotAsync();
        var snapshot = (await vm.DisksAsync(machine))["0"];

        // Nobody takes the VBD away.
        var refused = rig.Api.ErrorAsync("VDI.data_destroy", snapshot);
        await clock.PassUntilAsync(refused, TimeSpan.FromSeconds(1));
        (await refused).Should().Equal("VDI_IN_USE", snapshot, "data_destroy");
        (await rig.TypeAsync(snapshot)).Should().Be("user");
        own.Server.Host.Records.Intents.Should().BeEmpty();
        await vm.Disks.ExportAsync(snapshot);

        var task = await rig.Api.TextAsync("Async.VDI.data_destroy", snapshot);
        while (await rig.TypeAsync(snapshot) != "cbt_metadata")
            await Task.Delay(1);
        (await rig.Api.ErrorAsync("VBD.create", Records.Vbd(vm.Vm, snapshot, "7"))).Should().Equal("VDI_INCOMPATIBLE_TYPE", snapshot, "CBT metadata");
        await rig.Api.CallAsync("VM.destroy", machine);

        // The end of the download before is looked for every few milliseconds.
        var end = rig.Api.FinishedAsync(task);
        await clock.PassUntilAsync(end, TimeSpan.FromMilliseconds(5));
        (await end)["status"]!.GetValue<string>().Should().Be("success");
        (await rig.TypeAsync(snapshot)).Should().Be("cbt_metadata");
    }

    [Fact]
    public async Task A_failure_of_the_storage_gives_the_type_back()
    {
        var rig = await ChangedBlocksRig.LoginAsync(server.Server);
        var vdi = await rig.TrackedAsync(2 * Records.MiB);
        await rig.WriteAsync(vdi, 5);
        var snapshot = await rig.SnapshotAsync(vdi);
        var sr = await rig.Disks.DefaultSrAsync();
        var allocation = await NumberAsync(rig, "SR.get_virtual_allocation", sr);
        server.Faults.Fail("data_destroy", 1, () => new IOException("it failed", 5));
        (await rig.Api.ErrorAsync("VDI.data_destroy", snapshot))[0].Should().Be("SR_BACKEND_FAILURE_200");
        (await rig.TypeAsync(snapshot)).Should().Be("user");
        (await NumberAsync(rig, "SR.get_virtual_allocation", sr)).Should().Be(allocation);
        (await rig.Disks.ExportAsync(snapshot))[(5 * ChangedBlocksRig.Block) + (7 * 512)].Should().Be(6);
        server.Server.Host.Records.Intents.Should().BeEmpty();
        await rig.Api.CallAsync("VDI.data_destroy", snapshot);
    }

    [Fact]
    public async Task Forgotten_and_found_again_it_is_what_it_was()
    {
        var rig = await ChangedBlocksRig.LoginAsync(server.Server);
        var vdi = await rig.TrackedAsync();
        var snapshot = await rig.SnapshotAsync(vdi);
        await rig.WriteAsync(vdi, 9);
        await rig.Api.CallAsync("VDI.set_name_label", snapshot, "kept");
        await rig.Api.CallAsync("VDI.data_destroy", snapshot);
        await rig.Api.CallAsync("VDI.set_name_description", snapshot, "and described");
        var uuid = await rig.Disks.UuidAsync(snapshot);
        await rig.Api.CallAsync("VDI.forget", snapshot);
        await rig.Api.CallAsync("SR.scan", await rig.Disks.DefaultSrAsync());
        var found = await rig.Api.TextAsync("VDI.get_by_uuid", uuid);
        var record = await rig.Disks.RecordAsync(found);
        record["type"]!.GetValue<string>().Should().Be("cbt_metadata");
        record["cbt_enabled"]!.GetValue<bool>().Should().BeTrue();
        record["name_label"]!.GetValue<string>().Should().Be("kept");
        record["name_description"]!.GetValue<string>().Should().Be("and described");
        record["is_a_snapshot"]!.GetValue<bool>().Should().BeTrue();
        record["snapshot_of"]!.GetValue<string>().Should().Be(vdi);
        long.Parse(record["virtual_size"]!.ToString()).Should().Be(4 * Records.MiB);
        (await rig.ChangedAsync(found, vdi)).Should().Equal(9);
    }

    private static async Task<long> NumberAsync(ChangedBlocksRig rig, string message, string reference) => long.Parse((await rig.Api.CallAsync(message, reference)).ToString());
}
