using System.Text.Json.Nodes;
using FluentAssertions;
using XapiCompat.Server.Tests.Support;
using Xunit;

namespace XapiCompat.Server.Tests.Api.Semantics;

/// <summary>Settings of VMs and disks: what each setter stores, and what it refuses.</summary>
public sealed class VmSettingTests(RunningServer server) : IClassFixture<RunningServer>
{
    private const long MiB = Records.MiB;

    [Fact]
    [SeesEffectOf("VM.set_memory_limits", "VM.set_memory", "VM.set_memory_dynamic_range", "VM.set_memory_dynamic_min", "VM.set_memory_dynamic_max", "VM.set_memory_static_range", "VM.set_memory_static_min", "VM.set_memory_static_max")]
    public async Task Memory_limits_stay_in_order()
    {
        var (api, vm) = await NewAsync();
        await api.CallAsync("VM.set_memory_limits", vm, 128 * MiB, 2048 * MiB, 256 * MiB, 1024 * MiB);
        (await MemoryAsync(api, vm)).Should().Be("128 256 1024 2048");
        await api.CallAsync("VM.set_memory_dynamic_range", vm, 512 * MiB, 768 * MiB);
        (await MemoryAsync(api, vm)).Should().Be("128 512 768 2048");
        await api.CallAsync("VM.set_memory_dynamic_min", vm, 300 * MiB);
        await api.CallAsync("VM.set_memory_dynamic_max", vm, 900 * MiB);
        (await MemoryAsync(api, vm)).Should().Be("128 300 900 2048");
        await api.CallAsync("VM.set_memory_static_range", vm, 64 * MiB, 4096 * MiB);
        (await MemoryAsync(api, vm)).Should().Be("64 300 900 4096");
        await api.CallAsync("VM.set_memory_static_min", vm, 100 * MiB);
        await api.CallAsync("VM.set_memory_static_max", vm, 3000 * MiB);
        (await MemoryAsync(api, vm)).Should().Be("100 300 900 3000");
        await api.CallAsync("VM.set_memory", vm, 700 * MiB);
        (await MemoryAsync(api, vm)).Should().Be("100 700 700 700");

        foreach (var (message, arguments) in (IEnumerable<(string, object?[])>)[
            ("VM.set_memory_limits", [200 * MiB, 100 * MiB, 100 * MiB, 100 * MiB]), ("VM.set_memory_limits", [1, 5, 4, 3]), ("VM.set_memory", [50 * MiB]),
            ("VM.set_memory_dynamic_range", [700 * MiB, 701 * MiB]), ("VM.set_memory_dynamic_min", [99 * MiB]), ("VM.set_memory_dynamic_max", [701 * MiB]),
            ("VM.set_memory_static_range", [701 * MiB, 800 * MiB]), ("VM.set_memory_static_min", [-1]), ("VM.set_memory_static_max", [699 * MiB])])
            (await api.ErrorAsync(message, [vm, .. arguments])).Should().Equal(["MEMORY_CONSTRAINT_VIOLATION_ORDER"], message);
        await api.CallAsync("VM.add_to_platform", vm, "nested-virt", "true");
        (await api.ErrorAsync("VM.set_memory_dynamic_range", vm, 100 * MiB, 700 * MiB)).Should().Equal("MEMORY_CONSTRAINT_VIOLATION_MAXPIN", "nested virt");
        await api.CallAsync("VM.remove_from_platform", vm, "nested-virt");
        server.Host.Records.Commit(unit => unit.Set(vm, "power_state", "Running"));
        (await api.ErrorAsync("VM.set_memory_limits", vm, 1, 1, 1, 1)).Should().Equal("VM_BAD_POWER_STATE", vm, "halted", "running");
        (await api.ErrorAsync("VM.set_memory_static_range", vm, 1, 1)).Should().Equal("VM_BAD_POWER_STATE", vm, "halted", "running");
        await api.CallAsync("VM.set_memory_dynamic_range", vm, 600 * MiB, 700 * MiB);
        server.Host.Records.Commit(unit => unit.Set(vm, "power_state", "Paused"));
        (await api.ErrorAsync("VM.set_memory_dynamic_range", vm, 1, 1)).Should().Equal("VM_BAD_POWER_STATE", vm, "halted, running", "paused");
    }

    [Fact]
    [SeesEffectOf("VM.set_VCPUs_max", "VM.set_VCPUs_at_startup")]
    public async Task Processors_stay_between_one_and_the_maximum()
    {
        var (api, vm) = await NewAsync();
        await api.CallAsync("VM.set_VCPUs_max", vm, 16);
        await api.CallAsync("VM.set_VCPUs_at_startup", vm, 8);
        var record = await api.RecordAsync("VM", vm);
        (Int(record, "VCPUs_max"), Int(record, "VCPUs_at_startup")).Should().Be((16, 8));
        const string rule = "a VM starts with 1 to VCPUs_max processors";
        (await api.ErrorAsync("VM.set_VCPUs_max", vm, 7)).Should().Equal("INVALID_VALUE", rule, "7");
        (await api.ErrorAsync("VM.set_VCPUs_at_startup", vm, 17)).Should().Equal("INVALID_VALUE", rule, "17");
        (await api.ErrorAsync("VM.set_VCPUs_at_startup", vm, 0)).Should().Equal("INVALID_VALUE", rule, "0");
        server.Host.Records.Commit(unit => unit.Set(vm, "power_state", "Suspended"));
        (await api.ErrorAsync("VM.set_VCPUs_max", vm, 20)).Should().Equal("VM_BAD_POWER_STATE", vm, "halted", "suspended");
    }

    [Theory]
    [InlineData("other_config")]
    [InlineData("platform")]
    [InlineData("NVRAM")]
    [SeesEffectOf(
        "VM.set_other_config", "VM.add_to_other_config", "VM.remove_from_other_config", "VM.set_platform", "VM.add_to_platform", "VM.remove_from_platform",
        "VM.set_NVRAM", "VM.add_to_NVRAM", "VM.remove_from_NVRAM")]
    public async Task Maps_are_set_added_to_and_removed_from(string field)
    {
        var (api, vm) = await NewAsync();
        await api.CallAsync("VM.set_" + field, vm, JsonArguments.Map(("a", "1")));
        await api.CallAsync("VM.add_to_" + field, vm, "b", "2");
        (await api.CallAsync("VM.get_" + field, vm)).AsObject().Select(p => p.Key + p.Value).Should().BeEquivalentTo("a1", "b2");
        (await api.ErrorAsync("VM.add_to_" + field, vm, "b", "3")).Should().Equal("MAP_DUPLICATE_KEY", "VM", field, vm, "b");
        await api.CallAsync("VM.remove_from_" + field, vm, "a");
        (await api.CallAsync("VM.get_" + field, vm)).ToJsonString().Should().Be("""{"b":"2"}""");
        server.Host.Records.Commit(unit => unit.Set(vm, "power_state", "Running"));
        if (field == "NVRAM")
            (await api.ErrorAsync("VM.add_to_NVRAM", vm, "c", "3")).Should().Equal("VM_BAD_POWER_STATE", vm, "halted", "running");
    }

    [Fact]
    [SeesEffectOf(
        "VM.set_blocked_operations", "VM.set_actions_after_crash", "VM.set_domain_type", "VM.set_HVM_boot_policy", "VM.set_HVM_shadow_multiplier",
        "VM.set_has_vendor_device", "VM.set_start_delay", "VM.set_shutdown_delay", "VM.set_order")]
    public async Task Plain_settings_are_stored()
    {
        var (api, vm) = await NewAsync();
        foreach (var (field, value) in (IEnumerable<(string, object)>)[
            ("actions_after_crash", "destroy"), ("domain_type", "pvh"), ("HVM_boot_policy", "order"), ("HVM_shadow_multiplier", 2.5), ("has_vendor_device", true),
            ("start_delay", 3), ("shutdown_delay", 4), ("order", 5), ("blocked_operations", JsonArguments.Map(("snapshot", "not now")))])
        {
            await api.CallAsync("VM.set_" + field, vm, value);
            JsonNode.DeepEquals((await api.RecordAsync("VM", vm))[field], JsonArguments.Of(value)).Should().BeTrue(field);
        }

        (await api.ErrorAsync("VM.snapshot", vm, "no")).Should().Equal("OPERATION_BLOCKED", vm, "not now");
        foreach (var field in (string[])["start_delay", "shutdown_delay", "order"])
            (await api.ErrorAsync("VM.set_" + field, vm, -1))[0].Should().Be("INVALID_VALUE");
        (await api.ErrorAsync("VM.set_HVM_shadow_multiplier", vm, 0.5))[0].Should().Be("INVALID_VALUE");
        server.Host.Records.Commit(unit => unit.Set(vm, "power_state", "Running"));
        (await api.ErrorAsync("VM.set_domain_type", vm, "hvm")).Should().Equal("VM_BAD_POWER_STATE", vm, "halted", "running");
    }

    [Fact]
    [SeesEffectOf("VM.set_bios_strings", "VM.copy_bios_strings")]
    public async Task Texts_of_the_hardware_are_set_once()
    {
        var (api, vm) = await NewAsync();
        (await api.ErrorAsync("VM.set_bios_strings", vm, JsonArguments.Map(("hp-rombios", "x")))).Should().Equal("INVALID_VALUE", "hp-rombios", "no text that can be set");
        (await api.ErrorAsync("VM.set_bios_strings", vm, JsonArguments.Map(("bios-vendor", "")))).Should().Equal("INVALID_VALUE", "bios-vendor", "a text has at least one character");
        (await api.ErrorAsync("VM.set_bios_strings", vm, JsonArguments.Map(("bios-vendor", new string('x', 513)))))[0].Should().Be("INVALID_VALUE");
        (await api.ErrorAsync("VM.set_bios_strings", vm, JsonArguments.Map(("bios-vendor", "\u00e9"))))[0].Should().Be("INVALID_VALUE");
        await api.CallAsync("VM.set_bios_strings", vm, JsonArguments.Map(("bios-vendor", "ours"), ("baseboard-version", "2")));
        var strings = await api.CallAsync("VM.get_bios_strings", vm);
        (Text(strings, "bios-vendor"), Text(strings, "baseboard-version"), Text(strings, "system-manufacturer"), Text(strings, "oem-1")).Should().Be(("ours", "2", "Xen", "Xen"));
        (await api.ErrorAsync("VM.set_bios_strings", vm, JsonArguments.Map())).Should().Equal("VM_BIOS_STRINGS_ALREADY_SET");

        var (_, other) = await NewAsync();
        var host = (await api.ListAsync("host.get_all"))[0];
        await api.CallAsync("VM.copy_bios_strings", other, host);
        JsonNode.DeepEquals(await api.CallAsync("VM.get_bios_strings", other), await api.CallAsync("host.get_bios_strings", host)).Should().BeTrue();
        (await api.TextAsync("VM.get_affinity", other)).Should().Be(host);
        (await api.ErrorAsync("VM.copy_bios_strings", other, host)).Should().Equal("VM_BIOS_STRINGS_ALREADY_SET");
    }

    [Fact]
    [SeesEffectOf("VM.get_allowed_VBD_devices", "VM.get_allowed_VIF_devices", "VM.assert_operation_valid")]
    public async Task Free_positions_and_valid_operations_are_computed()
    {
        var rig = await VmRig.CreateAsync(server);
        var free = await rig.Api.ListAsync("VM.get_allowed_VBD_devices", rig.Vm);
        free.Take(3).Should().Equal("2", "4", "5");
        free[^1].Should().Be("254");
        (await rig.Api.ListAsync("VM.get_allowed_VIF_devices", rig.Vm)).Should().HaveCount(15).And.StartWith("1");
        await rig.Api.CallAsync("VM.assert_operation_valid", rig.Vm, "start");
        (await rig.Api.ErrorAsync("VM.assert_operation_valid", rig.Vm, "suspend")).Should().Equal("VM_BAD_POWER_STATE", rig.Vm, "running", "halted");
    }

    [Fact]
    [SeesEffectOf("VM.set_suspend_VDI")]
    public async Task A_suspend_image_is_replaced_by_an_equal_one_only()
    {
        var rig = await VmRig.CreateAsync(server);
        var image = await rig.Disks.CreateAsync(2 * MiB, "Suspend image", ("type", "suspend"));
        (await rig.Api.ErrorAsync("VM.set_suspend_VDI", rig.Vm, image)).Should().Equal("VM_BAD_POWER_STATE", rig.Vm, "suspended", "halted");
        await rig.MarkAsync(image, 3);
        server.Host.Records.Commit(unit =>
        {
            unit.Set(rig.Vm, "power_state", "Suspended");
            unit.Set(rig.Vm, "suspend_VDI", image);
        });
        var copy = await rig.Api.TextAsync("VDI.clone", image);
        await rig.Api.CallAsync("VM.set_suspend_VDI", rig.Vm, copy);
        (await rig.Api.TextAsync("VM.get_suspend_VDI", rig.Vm)).Should().Be(copy);
        await rig.MarkAsync(image, 4);
        (await rig.Api.ErrorAsync("VM.set_suspend_VDI", rig.Vm, image))[0].Should().Be("SUSPEND_VDI_REPLACEMENT_IS_NOT_IDENTICAL");
        (await rig.Api.TextAsync("VM.get_suspend_VDI", rig.Vm)).Should().Be(copy);
        await rig.Api.CallAsync("VDI.destroy", copy);
        (await rig.Api.TextAsync("VM.get_suspend_VDI", rig.Vm)).Should().Be(Records.Null, "no VM is left with an image that is gone");
    }

    [Fact]
    [SeesEffectOf("VM.get_SRs_required_for_recovery", "VM.assert_can_be_recovered")]
    public async Task A_VM_can_be_recovered_where_its_SRs_are()
    {
        var rig = await VmRig.CreateAsync(server);
        (await rig.Api.ListAsync("VM.get_SRs_required_for_recovery", rig.Vm, rig.Api.Session)).Should().BeEmpty();
        await rig.Api.CallAsync("VM.assert_can_be_recovered", rig.Vm, rig.Api.Session);
        (await rig.Api.ErrorAsync("VM.assert_can_be_recovered", rig.Vm, SampleValues.Nowhere)).Should().Equal("SESSION_INVALID", SampleValues.Nowhere);
        var sr = await rig.Disks.DefaultSrAsync();
        var pbd = (await rig.Api.ListAsync("SR.get_PBDs", sr))[0];
        server.Host.Records.Commit(unit => unit.Set(pbd, "currently_attached", false));
        (await rig.Api.ListAsync("VM.get_SRs_required_for_recovery", rig.Vm, rig.Api.Session)).Should().Equal(sr);
        (await rig.Api.ErrorAsync("VM.assert_can_be_recovered", rig.Vm, rig.Api.Session)).Should().Equal("VM_REQUIRES_SR", rig.Vm, sr);
        server.Host.Records.Commit(unit => unit.Set(pbd, "currently_attached", true));
        (await rig.Api.ErrorAsync("VM.recover", rig.Vm, rig.Api.Session, false)).Should().Equal("DUPLICATE_VM", rig.Vm);
    }

    [Fact]
    [SeesEffectOf("VDI.set_on_boot", "VDI.set_allow_caching", "VDI.set_sharable", "VDI.set_read_only")]
    public async Task Settings_of_disks_are_stored()
    {
        var rig = await VmRig.CreateAsync(server);
        var vdi = (await rig.DisksAsync())["0"];
        foreach (var (field, value) in (IEnumerable<(string, object)>)[("on_boot", "reset"), ("allow_caching", true), ("sharable", true), ("read_only", true)])
        {
            await rig.Api.CallAsync("VDI.set_" + field, vdi, value);
            JsonNode.DeepEquals((await rig.Disks.RecordAsync(vdi))[field], JsonArguments.Of(value)).Should().BeTrue(field);
        }

        server.Host.Records.Commit(unit => unit.Set(rig.Vm, "power_state", "Running"));
        foreach (var (field, value) in (IEnumerable<(string, object)>)[("on_boot", "persist"), ("allow_caching", false)])
            (await rig.Api.ErrorAsync("VDI.set_" + field, vdi, value)).Should().Equal("VM_BAD_POWER_STATE", rig.Vm, "halted", "running");
    }

    [Fact]
    [SeesEffectOf("crashdump.destroy")]
    public async Task A_crash_dump_goes_with_its_disk()
    {
        var rig = await VmRig.CreateAsync(server);
        var vdi = await rig.Disks.CreateAsync(2 * MiB, "dump", ("type", "crashdump"));
        var dump = "OpaqueRef:" + Guid.NewGuid();
        server.Host.Records.Commit(unit => unit.Insert(unit.Model.Class("crashdump"), dump, [("uuid", Guid.NewGuid().ToString()), ("VM", rig.Vm), ("VDI", vdi)]));
        (await rig.Api.ListAsync("VM.get_crash_dumps", rig.Vm)).Should().Equal(dump);
        await rig.Api.CallAsync("crashdump.destroy", dump);
        (await rig.Api.ListAsync("VM.get_crash_dumps", rig.Vm)).Should().BeEmpty();
        (await rig.Api.ErrorAsync("VDI.get_uuid", vdi)).Should().Equal("HANDLE_INVALID", "VDI", vdi);
    }

    private async Task<(XenClient Api, string Vm)> NewAsync()
    {
        var api = await server.LoginAsync();
        return (api, await api.TextAsync("VM.create", Records.Vm("settings")));
    }

    private static async Task<string> MemoryAsync(XenClient api, string vm)
    {
        var record = await api.RecordAsync("VM", vm);
        return string.Join(' ', ((string[])["static_min", "dynamic_min", "dynamic_max", "static_max"]).Select(f => Int(record, "memory_" + f) / MiB));
    }

    private static string Text(JsonNode record, string field) => record[field]!.GetValue<string>();

    private static long Int(JsonNode record, string field) => record[field]!.GetValue<long>();
}
