using System.Text.Json.Nodes;
using FluentAssertions;
using XapiCompat.Server.Tests.Support;
using Xunit;

namespace XapiCompat.Server.Tests.Api;

/// <summary>VM.revert: identity stays, fields and disks go back, backup chains go on.</summary>
public sealed class VmRevertTests(RunningServer server) : IClassFixture<RunningServer>
{
    [Fact]
    public async Task The_VM_keeps_its_identity_and_gets_its_fields_back()
    {
        var rig = await VmRig.CreateAsync(server);
        await rig.Api.CallAsync("VM.add_to_other_config", rig.Vm, "it's", "a \\ 'quoted' (value)");
        var before = await rig.RecordAsync();
        var snapshot = await rig.SnapshotAsync();
        await rig.Api.CallAsync("VM.set_name_label", rig.Vm, "changed");
        await rig.Api.CallAsync("VM.set_name_description", rig.Vm, "after");
        await rig.Api.CallAsync("VM.set_other_config", rig.Vm, JsonArguments.Map(("new", "value")));
        await rig.Api.CallAsync("VM.set_platform", rig.Vm, JsonArguments.Map());
        await rig.Api.CallAsync("VM.set_VCPUs_max", rig.Vm, 8);
        await rig.Api.CallAsync("VM.set_memory_limits", rig.Vm, 256 * Records.MiB, 4096 * Records.MiB, 512 * Records.MiB, 2048 * Records.MiB);
        await rig.Api.CallAsync("VM.set_tags", rig.Vm, new[] { "kept" });
        await rig.Api.CallAsync("VM.set_affinity", rig.Vm, SampleValues.Nowhere);

        await rig.Api.CallAsync("VM.revert", snapshot);
        var after = await rig.RecordAsync();
        foreach (var field in (string[])[
            "uuid", "name_label", "name_description", "other_config", "platform", "VCPUs_max", "VCPUs_at_startup", "memory_static_max", "memory_dynamic_min",
            "memory_dynamic_max", "memory_static_min", "HVM_boot_params", "is_a_template", "is_a_snapshot", "snapshot_of", "snapshot_time", "power_state", "domid",
            "actions_after_crash", "is_default_template", "NVRAM", "blocked_operations", "order"])
            JsonNode.DeepEquals(after[field], before[field]).Should().BeTrue(field + ": " + after[field]?.ToJsonString());
        after["tags"]!.ToJsonString().Should().Be("""["kept"]""", "tags are not taken back");
        Text(after, "affinity").Should().Be(SampleValues.Nowhere, "nor is affinity");
        Text(after, "parent").Should().Be(snapshot);
        after["snapshots"]!.AsArray().Select(s => s!.GetValue<string>()).Should().Equal(snapshot);
        after["current_operations"]!.AsObject().Should().BeEmpty();
        (await rig.Api.CallAsync("VM.get_current_operations", snapshot)).AsObject().Should().BeEmpty();
    }

    [Fact]
    [SeesEffectOf("VM.revert")]
    public async Task The_disks_are_new_ones_with_the_old_data()
    {
        var rig = await VmRig.CreateAsync(server);
        var old = await rig.DisksAsync();
        var snapshot = await rig.SnapshotAsync();
        var kept = await rig.DisksAsync(snapshot);
        await rig.MarkAsync(old["0"], 99);
        await rig.Api.CallAsync("VM.revert", snapshot);
        var fresh = await rig.DisksAsync();
        fresh.Keys.Should().Equal(old.Keys);
        foreach (var (device, disk) in fresh)
        {
            disk.Should().NotBe(old[device]).And.NotBe(kept[device]);
            (await rig.ReadMarkAsync(disk)).Should().Be((byte)(int.Parse(device) + 1));
            (await rig.Api.ErrorAsync("VDI.get_uuid", old[device])).Should().Equal("HANDLE_INVALID", "VDI", old[device]);
            var record = await rig.Disks.RecordAsync(disk);
            Flag(record, "is_a_snapshot").Should().BeFalse();
            Text(record, "snapshot_of").Should().Be(Records.Null);
            record["snapshots"]!.AsArray().Select(s => s!.GetValue<string>()).Should().Equal([kept[device]], "the old snapshots are its snapshots now");
            Text(await rig.Disks.RecordAsync(kept[device]), "snapshot_of").Should().Be(disk);
        }

        (await rig.VbdsAsync()).Should().HaveCount(3, "the CD drive is there again");
        (await rig.DisksAsync(snapshot)).Should().Equal(kept);
    }

    [Fact]
    public async Task All_older_snapshots_of_a_disk_follow_its_successor()
    {
        var rig = await VmRig.CreateAsync(server);
        var one = await rig.SnapshotAsync("one");
        await rig.MarkAsync((await rig.DisksAsync())["0"], 50);
        var two = await rig.SnapshotAsync("two");
        var alone = await rig.Api.TextAsync("VDI.snapshot", (await rig.DisksAsync())["0"]);
        await rig.Api.CallAsync("VM.revert", one);
        var fresh = (await rig.DisksAsync())["0"];
        (await rig.Api.ListAsync("VDI.get_snapshots", fresh)).Should().BeEquivalentTo((await rig.DisksAsync(one))["0"], (await rig.DisksAsync(two))["0"], alone);
        (await rig.ReadMarkAsync(fresh)).Should().Be(1);
        await rig.Api.CallAsync("VM.revert", two);
        (await rig.ReadMarkAsync((await rig.DisksAsync())["0"])).Should().Be(50);
        await rig.Api.CallAsync("VM.revert", two);
        (await rig.ReadMarkAsync((await rig.DisksAsync())["0"])).Should().Be(50);
    }

    [Fact]
    public async Task A_disk_added_later_is_kept_and_detached()
    {
        var rig = await VmRig.CreateAsync(server);
        var snapshot = await rig.SnapshotAsync();
        var later = await rig.AddDiskAsync(rig.Vm, "5", 77);
        await rig.Api.CallAsync("VM.revert", snapshot);
        (await rig.DisksAsync()).Keys.Should().Equal("0", "1");
        (await rig.ReadMarkAsync(later)).Should().Be(77);
        (await rig.Api.ListAsync("VDI.get_VBDs", later)).Should().BeEmpty();
    }

    [Fact]
    public async Task A_disk_that_the_snapshot_ignored_is_kept_and_detached()
    {
        var rig = await VmRig.CreateAsync(server);
        var ignored = (await rig.DisksAsync())["1"];
        var snapshot = await rig.Api.TextAsync("VM.snapshot", rig.Vm, "partly", new[] { ignored });
        await rig.Api.CallAsync("VM.revert", snapshot);
        (await rig.DisksAsync()).Keys.Should().Equal("0");
        (await rig.ReadMarkAsync(ignored)).Should().Be(2);
        (await rig.Api.ListAsync("VDI.get_VBDs", ignored)).Should().BeEmpty();
    }

    [Fact]
    public async Task A_disk_removed_later_comes_back()
    {
        var rig = await VmRig.CreateAsync(server);
        var disks = await rig.DisksAsync();
        var snapshot = await rig.SnapshotAsync();
        await rig.Api.CallAsync("VDI.destroy", disks["1"]);
        await rig.Api.CallAsync("VM.revert", snapshot);
        var fresh = await rig.DisksAsync();
        fresh.Keys.Should().Equal("0", "1");
        (await rig.ReadMarkAsync(fresh["1"])).Should().Be(2);
        Text(await rig.Disks.RecordAsync((await rig.DisksAsync(snapshot))["1"]), "snapshot_of").Should().Be(fresh["1"]);
    }

    [Fact]
    public async Task Interfaces_come_back_with_their_addresses()
    {
        var rig = await VmRig.CreateAsync(server);
        var mac = Text(await rig.OnlyVifAsync(rig.Vm), "MAC");
        var snapshot = await rig.SnapshotAsync();
        await rig.Api.CallAsync("VIF.destroy", rig.Vif);
        await rig.Api.CallAsync("VM.revert", snapshot);
        var vif = await rig.OnlyVifAsync(rig.Vm);
        Text(vif, "MAC").Should().Be(mac);
        (await rig.Api.ErrorAsync("VIF.get_uuid", rig.Vif)).Should().Equal("HANDLE_INVALID", "VIF", rig.Vif);
    }

    [Fact]
    public async Task A_VM_that_is_gone_comes_back_with_its_uuid()
    {
        var rig = await VmRig.CreateAsync(server);
        var before = await rig.RecordAsync();
        var one = await rig.SnapshotAsync("one");
        var two = await rig.SnapshotAsync("two");
        foreach (var disk in (await rig.DisksAsync()).Values)
            await rig.Api.CallAsync("VDI.destroy", disk);
        await rig.Api.CallAsync("VM.destroy", rig.Vm);

        await rig.Api.CallAsync("VM.revert", one);
        var back = await rig.Api.TextAsync("VM.get_by_uuid", Text(before, "uuid"));
        back.Should().NotBe(rig.Vm);
        var after = await rig.RecordAsync(back);
        foreach (var field in (string[])["name_label", "name_description", "is_a_template", "is_a_snapshot", "snapshot_of", "power_state", "other_config", "memory_static_max", "platform"])
            JsonNode.DeepEquals(after[field], before[field]).Should().BeTrue(field + ": " + after[field]?.ToJsonString());
        Text(after, "parent").Should().Be(one);
        (await rig.Api.ListAsync("VM.get_snapshots", back)).Should().BeEquivalentTo(one, two);
        foreach (var snapshot in (string[])[one, two])
            (await rig.Api.TextAsync("VM.get_snapshot_of", snapshot)).Should().Be(back);
        var disks = await rig.DisksAsync(back);
        disks.Keys.Should().Equal("0", "1");
        (await rig.ReadMarkAsync(disks["0"])).Should().Be(1);
        (await rig.ReadMarkAsync(disks["1"])).Should().Be(2);
        await rig.Api.CallAsync("VM.revert", two);
        Text(await rig.RecordAsync(back), "parent").Should().Be(two);
    }

    [Fact]
    public async Task A_suspended_or_running_VM_ends_halted()
    {
        var rig = await VmRig.CreateAsync(server);
        var snapshot = await rig.SnapshotAsync();
        server.Host.Records.Commit(unit =>
        {
            unit.Set(rig.Vm, "power_state", "Running");
            unit.Set(rig.Vm, "domid", 7);
        });
        await rig.Api.CallAsync("VM.revert", snapshot);
        var after = await rig.RecordAsync();
        Text(after, "power_state").Should().Be("Halted");
        after["domid"]!.GetValue<long>().Should().Be(-1);
        Text(after, "resident_on").Should().Be(Records.Null);
    }

    [Fact]
    public async Task The_differential_chain_goes_on_after_a_revert()
    {
        var rig = await VmRig.CreateAsync(server);
        var snapshot = await rig.SnapshotAsync("full");
        var full = (await rig.DisksAsync(snapshot))["0"];
        await rig.Api.CallAsync("VM.revert", snapshot);
        await rig.MarkAsync((await rig.DisksAsync())["0"], 123);
        var next = (await rig.DisksAsync(await rig.SnapshotAsync("next")))["0"];
        var content = await rig.Disks.ExportAsync(full);
        SparseVhd.Apply(await rig.Disks.ExportAsync(next, "vhd", full), content).Should().Be(4);
        var expected = await rig.Disks.ExportAsync(next);
        content.AsSpan().SequenceEqual(expected).Should().BeTrue();
        content[0].Should().Be(123);
    }

    private static string Text(JsonNode record, string field) => record[field]!.GetValue<string>();

    private static bool Flag(JsonNode record, string field) => record[field]!.GetValue<bool>();
}
