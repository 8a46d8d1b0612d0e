using System.Text.Json.Nodes;
using FluentAssertions;
using XapiCompat.Server.Tests.Support;
using Xunit;

namespace XapiCompat.Server.Tests.Api;

/// <summary>VM.snapshot, VM.clone and VM.destroy, field by field.</summary>
public sealed class VmSnapshotTests(RunningServer server) : IClassFixture<RunningServer>
{
    private static readonly string[] Copied =
    [
        "name_description", "user_version", "affinity", "memory_static_max", "memory_dynamic_max", "memory_dynamic_min", "memory_static_min", "VCPUs_params",
        "VCPUs_max", "VCPUs_at_startup", "actions_after_shutdown", "actions_after_reboot", "actions_after_crash", "HVM_boot_policy", "HVM_boot_params",
        "HVM_shadow_multiplier", "PV_args", "PV_kernel", "PCI_bus", "platform", "recommendations", "xenstore_data", "bios_strings", "tags",
        "hardware_platform_version", "has_vendor_device", "reference_label", "domain_type", "NVRAM", "last_boot_CPU_flags", "last_booted_record",
        "ha_restart_priority", "is_control_domain",
    ];

    [Fact]
    [SeesEffectOf("VM.create")]
    public async Task A_new_VM_is_halted_and_has_a_seed_and_metrics()
    {
        var client = await server.LoginAsync();
        var record = await client.RecordAsync("VM", await client.TextAsync("VM.create", Records.Vm("new", ("power_state", "Running"), ("blocked_operations", JsonArguments.Map(("start", "no"))))));
        Text(record, "power_state").Should().Be("Halted");
        Guid.TryParse(record["other_config"]!["mac_seed"]!.GetValue<string>(), out _).Should().BeTrue();
        Text(record, "domain_type").Should().Be("hvm");
        record["blocked_operations"]!.AsObject().Should().BeEmpty();
        record["domid"]!.GetValue<long>().Should().Be(-1);
        (await client.TextAsync("VM_metrics.get_uuid", Text(record, "metrics"))).Should().NotBeEmpty();
        Text(record, "snapshot_time").Should().Be(Records.Never);
        var seeded = await client.RecordAsync("VM", await client.TextAsync("VM.create", Records.Vm("seeded", ("HVM_boot_policy", ""), ("other_config", JsonArguments.Map(("mac_seed", "mine"))))));
        Text(seeded["other_config"]!, "mac_seed").Should().Be("mine");
        Text(seeded, "domain_type").Should().Be("pv");
        var error = await client.ErrorAsync("VM.create", Records.Vm("suspended", ("power_state", "Suspended")));
        error[0].Should().Be("VM_BAD_POWER_STATE");
        error.Skip(2).Should().Equal("halted", "suspended");
    }

    [Fact]
    [SeesEffectOf("VM.snapshot")]
    public async Task A_snapshot_has_the_documented_fields()
    {
        var rig = await VmRig.CreateAsync(server);
        var before = await rig.RecordAsync();
        var snapshot = await rig.SnapshotAsync("my snapshot");
        var record = await rig.RecordAsync(snapshot);
        foreach (var field in Copied)
            JsonNode.DeepEquals(record[field], before[field]).Should().BeTrue(field);
        Text(record, "name_label").Should().Be("my snapshot");
        Text(record, "uuid").Should().NotBe(Text(before, "uuid"));
        Flag(record, "is_a_template").Should().BeTrue();
        Flag(record, "is_default_template").Should().BeFalse();
        Flag(record, "is_a_snapshot").Should().BeTrue();
        Text(record, "snapshot_of").Should().Be(rig.Vm);
        Text(record, "snapshot_time").Should().NotBe(Records.Never);
        record["snapshot_info"]!.ToJsonString().Should().Be("""{"power-state-at-snapshot":"Halted","disk-snapshot-type":"crash_consistent"}""");
        Text(record, "snapshot_metadata").Should().StartWith("(('").And.Contain("'" + Text(before, "uuid") + "'").And.Contain(rig.Vm);
        Text(record, "transportable_snapshot_id").Should().BeEmpty();
        Text(record, "power_state").Should().Be("Halted");
        JsonNode.DeepEquals(record["other_config"], before["other_config"]).Should().BeTrue("a snapshot keeps the seed");
        record["blocked_operations"]!.AsObject().Should().BeEmpty();
        record["current_operations"]!.AsObject().Should().BeEmpty();
        record["blobs"]!.AsObject().Should().BeEmpty();
        foreach (var link in (string[])["suspend_VDI", "suspend_SR", "appliance", "protection_policy", "snapshot_schedule", "resident_on", "scheduled_to_be_resident_on"])
            Text(record, link).Should().Be(Records.Null, link);
        foreach (var number in (string[])["start_delay", "shutdown_delay", "order", "version"])
            record[number]!.GetValue<long>().Should().Be(0, number);
        foreach (var flag in (string[])["ha_always_run", "is_snapshot_from_vmpp", "is_vmss_snapshot", "requires_reboot"])
            Flag(record, flag).Should().BeFalse(flag);
        record["domid"]!.GetValue<long>().Should().Be(-1);
        Text(record, "metrics").Should().NotBe(Text(before, "metrics")).And.NotBe(Records.Null);
        foreach (var none in (string[])["consoles", "crash_dumps", "snapshots", "VGPUs", "VTPMs", "VUSBs"])
            record[none]!.AsArray().Should().BeEmpty(none);
        record["allowed_operations"]!.AsArray().Select(o => o!.GetValue<string>()).Should().BeEquivalentTo("clone", "copy", "destroy", "export", "metadata_export", "revert");
        (await rig.Api.ListAsync("VM.get_snapshots", rig.Vm)).Should().Equal(snapshot);
        (await rig.RecordAsync())["current_operations"]!.AsObject().Should().BeEmpty();
    }

    [Fact]
    public async Task A_snapshot_has_snapshots_of_the_disks_and_copies_of_the_devices()
    {
        var rig = await VmRig.CreateAsync(server);
        var disks = await rig.DisksAsync();
        var snapshot = await rig.SnapshotAsync();
        var copies = await rig.DisksAsync(snapshot);
        copies.Keys.Should().Equal(disks.Keys);
        foreach (var (device, copy) in copies)
        {
            var record = await rig.Disks.RecordAsync(copy);
            Text(record, "snapshot_of").Should().Be(disks[device]);
            Flag(record, "is_a_snapshot").Should().BeTrue();
            (await rig.ReadMarkAsync(copy)).Should().Be((byte)(int.Parse(device) + 1));
        }

        var old = await rig.VbdsAsync();
        var fresh = await rig.VbdsAsync(snapshot);
        fresh.Should().HaveSameCount(old);
        foreach (var vbd in fresh)
        {
            var twin = old.Single(v => Text(v, "userdevice") == Text(vbd, "userdevice"));
            Text(vbd, "uuid").Should().NotBe(Text(twin, "uuid"));
            foreach (var field in (string[])["device", "bootable", "mode", "type", "unpluggable", "qos_algorithm_type", "qos_algorithm_params", "empty", "currently_attached"])
                JsonNode.DeepEquals(vbd[field], twin[field]).Should().BeTrue(field);
            if (Text(vbd, "type") == "Disk")
                Text(vbd["other_config"]!, "owner").Should().BeEmpty();
            Text(vbd, "metrics").Should().NotBe(Text(twin, "metrics"));
        }

        var vif = await rig.OnlyVifAsync(snapshot);
        var origin = await rig.OnlyVifAsync(rig.Vm);
        foreach (var field in (string[])["MAC", "device", "network", "MTU", "locking_mode"])
            JsonNode.DeepEquals(vif[field], origin[field]).Should().BeTrue(field);
    }

    [Fact]
    public async Task Ignored_disks_are_left_out_with_their_VBDs()
    {
        var rig = await VmRig.CreateAsync(server);
        var disks = await rig.DisksAsync();
        var snapshot = await rig.Api.TextAsync("VM.snapshot", rig.Vm, "partly", new[] { disks["0"] });
        (await rig.DisksAsync(snapshot)).Keys.Should().Equal("1");
        (await rig.Api.ListAsync("VDI.get_snapshots", disks["0"])).Should().BeEmpty();
        (await rig.Api.ListAsync("VDI.get_snapshots", disks["1"])).Should().HaveCount(1);
    }

    [Fact]
    [SeesEffectOf("VM.clone")]
    public async Task A_clone_has_the_documented_fields()
    {
        var rig = await VmRig.CreateAsync(server);
        await rig.Api.CallAsync("VM.set_order", rig.Vm, 5);
        await rig.Api.CallAsync("VM.set_start_delay", rig.Vm, 6);
        var before = await rig.RecordAsync();
        var clone = await rig.Api.TextAsync("VM.clone", rig.Vm, "my clone");
        var record = await rig.RecordAsync(clone);
        foreach (var field in Copied)
            JsonNode.DeepEquals(record[field], before[field]).Should().BeTrue(field);
        Text(record, "name_label").Should().Be("my clone");
        Flag(record, "is_a_template").Should().BeFalse();
        Flag(record, "is_a_snapshot").Should().BeFalse();
        Text(record, "snapshot_of").Should().Be(Records.Null);
        Text(record, "snapshot_time").Should().Be(Records.Never);
        record["snapshot_info"]!.AsObject().Should().BeEmpty();
        Text(record, "snapshot_metadata").Should().BeEmpty();
        Text(record, "parent").Should().Be(Records.Null);
        Text(record["other_config"]!, "mac_seed").Should().NotBe(Text(before["other_config"]!, "mac_seed"));
        record["order"]!.GetValue<long>().Should().Be(0);
        record["start_delay"]!.GetValue<long>().Should().Be(0);
        (await rig.RecordAsync())["snapshots"]!.AsArray().Should().BeEmpty();
        Text(await rig.RecordAsync(), "parent").Should().Be(Records.Null);
        foreach (var (device, disk) in await rig.DisksAsync(clone))
        {
            var vdi = await rig.Disks.RecordAsync(disk);
            Text(vdi, "snapshot_of").Should().Be(Records.Null);
            Flag(vdi, "is_a_snapshot").Should().BeFalse();
            (await rig.ReadMarkAsync(disk)).Should().Be((byte)(int.Parse(device) + 1));
        }

        var mac = Text(await rig.OnlyVifAsync(clone), "MAC");
        mac.Should().NotBe(Text(await rig.OnlyVifAsync(rig.Vm), "MAC")).And.MatchRegex("^[0-9a-f][26ae](:[0-9a-f]{2}){5}$");
    }

    [Fact]
    public async Task A_clone_of_a_snapshot_stays_a_template()
    {
        var rig = await VmRig.CreateAsync(server);
        var snapshot = await rig.SnapshotAsync();
        var record = await rig.RecordAsync(await rig.Api.TextAsync("VM.clone", snapshot, "from snapshot"));
        Flag(record, "is_a_template").Should().BeTrue();
        Flag(record, "is_a_snapshot").Should().BeFalse();
        Text(record, "snapshot_of").Should().Be(Records.Null);
        Text(record, "power_state").Should().Be("Halted");
    }

    [Fact]
    public async Task A_clone_of_a_template_remembers_its_name()
    {
        var client = await server.LoginAsync();
        var template = (await client.ListAsync("VM.get_by_name_label", "Other install media"))[0];
        var clone = await client.RecordAsync("VM", await client.TextAsync("VM.clone", template, "from template"));
        Text(clone["other_config"]!, "base_template_name").Should().Be("Other install media");
        clone["other_config"]!.AsObject().ContainsKey("default_template").Should().BeFalse();
        Flag(clone, "is_a_template").Should().BeTrue();
        Flag(clone, "is_default_template").Should().BeFalse();
        (await client.ErrorAsync("VM.snapshot", template, "no")).Should().Equal("VM_IS_TEMPLATE", template, "snapshot");
    }

    [Fact]
    public async Task Snapshots_make_a_tree()
    {
        var rig = await VmRig.CreateAsync(server);
        var one = await rig.SnapshotAsync("one");
        (await ParentsAsync(rig, one, rig.Vm)).Should().Equal(Records.Null, one);
        var two = await rig.SnapshotAsync("two");
        (await ParentsAsync(rig, one, two, rig.Vm)).Should().Equal(Records.Null, one, two);
        await rig.Api.CallAsync("VM.revert", one);
        (await ParentsAsync(rig, one, two, rig.Vm)).Should().Equal(Records.Null, one, one);
        (await rig.Api.ListAsync("VM.get_children", one)).Should().BeEquivalentTo(two, rig.Vm);
        var three = await rig.SnapshotAsync("three");
        (await ParentsAsync(rig, one, two, three, rig.Vm)).Should().Equal(Records.Null, one, one, three);
        await rig.Api.CallAsync("VM.destroy", one);
        (await ParentsAsync(rig, two, three, rig.Vm)).Should().Equal(Records.Null, Records.Null, three);
        await rig.Api.CallAsync("VM.destroy", three);
        (await ParentsAsync(rig, two, rig.Vm)).Should().Equal(Records.Null, Records.Null);
        (await rig.Api.ListAsync("VM.get_snapshots", rig.Vm)).Should().Equal(two);
    }

    [Fact]
    [SeesEffectOf("VM.destroy")]
    public async Task Destroy_takes_the_devices_and_leaves_the_disks()
    {
        var rig = await VmRig.CreateAsync(server);
        var snapshot = await rig.SnapshotAsync();
        var disks = (await rig.DisksAsync()).Values.Concat((await rig.DisksAsync(snapshot)).Values).ToList();
        var vbds = await rig.Api.ListAsync("VM.get_VBDs", rig.Vm);
        var metrics = Text(await rig.RecordAsync(), "metrics");
        var vbdMetrics = (await rig.VbdsAsync()).Select(v => Text(v, "metrics")).ToList();
        await rig.Api.CallAsync("VM.destroy", rig.Vm);
        (await rig.Api.ErrorAsync("VM.get_uuid", rig.Vm)).Should().Equal("HANDLE_INVALID", "VM", rig.Vm);
        (await rig.Api.ErrorAsync("VIF.get_uuid", rig.Vif)).Should().Equal("HANDLE_INVALID", "VIF", rig.Vif);
        foreach (var vbd in vbds)
            (await rig.Api.ErrorAsync("VBD.get_uuid", vbd)).Should().Equal("HANDLE_INVALID", "VBD", vbd);
        foreach (var gone in vbdMetrics.Append(metrics))
            server.Host.Records.Current.Find(gone).Should().BeNull();
        foreach (var disk in disks)
            (await rig.Disks.RecordAsync(disk))["managed"]!.GetValue<bool>().Should().BeTrue();
        Text(await rig.RecordAsync(snapshot), "snapshot_of").Should().Be(rig.Vm, "the link dangles");
        await rig.Api.CallAsync("VM.destroy", snapshot);
        foreach (var disk in disks)
            await rig.Disks.RecordAsync(disk);
    }

    [Fact]
    public async Task Default_templates_and_the_control_domain_stay()
    {
        var client = await server.LoginAsync();
        var template = (await client.ListAsync("VM.get_by_name_label", "Other install media"))[0];
        (await client.ErrorAsync("VM.destroy", template))[0].Should().BeOneOf("VM_CANNOT_DELETE_DEFAULT_TEMPLATE", "VM_IS_TEMPLATE");
        var dom0 = (await client.ListAsync("VM.get_all_where", "field \"is_control_domain\" = \"true\""))[0];
        (await client.ErrorAsync("VM.destroy", dom0))[0].Should().BeOneOf("VM_BAD_POWER_STATE", "OPERATION_NOT_ALLOWED");
    }

    [Fact]
    public async Task Refusals_name_the_operation()
    {
        var rig = await VmRig.CreateAsync(server);
        var snapshot = await rig.SnapshotAsync();
        (await rig.Api.ErrorAsync("VM.snapshot", snapshot, "of a snapshot")).Should().Equal("VM_IS_SNAPSHOT", snapshot, "snapshot");
        (await rig.Api.ErrorAsync("VM.revert", rig.Vm)).Should().Equal("REVERT_ONLY_ALLOWED_ON_SNAPSHOT");
        (await rig.Api.ErrorAsync("VM.snapshot_with_quiesce", rig.Vm, "quiet")).Should().Equal("VM_BAD_POWER_STATE", rig.Vm, "running", "halted");
        server.Host.Records.Commit(unit => unit.Set(rig.Vm, "power_state", "Running"));
        (await rig.Api.ErrorAsync("VM.snapshot_with_quiesce", rig.Vm, "quiet")).Should().Equal("VM_SNAPSHOT_WITH_QUIESCE_NOT_SUPPORTED", rig.Vm);
        (await rig.Api.ErrorAsync("VM.clone", rig.Vm, "running")).Should().Equal("VM_BAD_POWER_STATE", rig.Vm, "halted", "running");
        (await rig.Api.ErrorAsync("VM.destroy", rig.Vm)).Should().Equal("VM_BAD_POWER_STATE", rig.Vm, "halted, suspended", "running");
        await rig.Api.CallAsync("VM.add_to_blocked_operations", rig.Vm, "snapshot", "because");
        (await rig.Api.ErrorAsync("VM.snapshot", rig.Vm, "blocked")).Should().Equal("OPERATION_BLOCKED", rig.Vm, "because");
        await rig.Api.CallAsync("VM.remove_from_blocked_operations", rig.Vm, "snapshot");
        var running = await rig.RecordAsync(await rig.SnapshotAsync("of a running VM"));
        running["snapshot_info"]!["power-state-at-snapshot"]!.GetValue<string>().Should().Be("Running");
        Text(running, "power_state").Should().Be("Halted");
    }

    [Fact]
    public async Task A_disk_that_takes_no_snapshot_fails_the_whole()
    {
        var rig = await VmRig.CreateAsync(server);
        var disks = await rig.DisksAsync();
        await rig.Api.CallAsync("VDI.set_on_boot", disks["1"], "reset");
        var vdis = (await rig.Api.ListAsync("VDI.get_all")).Count;
        var vms = (await rig.Api.ListAsync("VM.get_all")).Count;
        (await rig.Api.ErrorAsync("VM.snapshot", rig.Vm, "no")).Should().Equal("VDI_ON_BOOT_MODE_INCOMPATIBLE_WITH_OPERATION");
        (await rig.Api.ListAsync("VDI.get_all")).Should().HaveCount(vdis);
        (await rig.Api.ListAsync("VM.get_all")).Should().HaveCount(vms);
        (await rig.RecordAsync())["current_operations"]!.AsObject().Should().BeEmpty();
        (await rig.Disks.RecordAsync(disks["0"]))["current_operations"]!.AsObject().Should().BeEmpty();
        (await rig.Api.CallAsync("SR.get_current_operations", await rig.Disks.DefaultSrAsync())).AsObject().Should().BeEmpty();
    }

    [Fact]
    public async Task Many_snapshots_of_one_VM_at_once_all_succeed()
    {
        var rig = await VmRig.CreateAsync(server);
        var snapshots = await Task.WhenAll(Enumerable.Range(0, 8).Select(i => rig.SnapshotAsync("at once " + i)));
        (await rig.Api.ListAsync("VM.get_snapshots", rig.Vm)).Should().BeEquivalentTo(snapshots);
        foreach (var snapshot in snapshots)
        {
            foreach (var (device, disk) in await rig.DisksAsync(snapshot))
                (await rig.ReadMarkAsync(disk)).Should().Be((byte)(int.Parse(device) + 1));
        }
    }

    private static async Task<IReadOnlyList<string>> ParentsAsync(VmRig rig, params string[] vms)
    {
        var parents = new List<string>();
        foreach (var vm in vms)
            parents.Add(await rig.Api.TextAsync("VM.get_parent", vm));
        return parents;
    }

    private static string Text(JsonNode record, string field) => record[field]!.GetValue<string>();

    private static bool Flag(JsonNode record, string field) => record[field]!.GetValue<bool>();
}
