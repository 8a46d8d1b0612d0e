using FluentAssertions;
using XapiCompat.Server.Tests.Api.Network;
using XapiCompat.Server.Tests.Support;
using XapiCompat.Values;
using Xunit;

namespace XapiCompat.Server.Tests.Api.Devices;

/// <summary>Physical and virtual GPUs, their groups and types, and PCI devices.</summary>
public sealed class GpuTests(RunningServer server) : IClassFixture<RunningServer>
{
    private const long Size = 1048576;

    [Fact]
    [SeesEffectOf("PGPU.set_enabled_VGPU_types", "PGPU.add_enabled_VGPU_types", "PGPU.remove_enabled_VGPU_types")]
    public async Task Types_are_enabled_among_the_supported_ones()
    {
        var rig = await NetworkRig.CreateAsync(server);
        var small = Type(rig, Size / 4);
        var large = Type(rig, Size);
        var foreign = Type(rig, Size);
        var group = await GroupAsync(rig);
        var pgpu = Pgpu(rig, group, small, large);
        await rig.Api.CallAsync("PGPU.set_enabled_VGPU_types", pgpu, JsonArguments.Array([small]));
        rig.Get(pgpu).Set("enabled_VGPU_types").Should().Equal(small);
        rig.Get(group).Set("enabled_VGPU_types").Should().Equal(small);
        rig.Get(small).Set("enabled_on_PGPUs").Should().Equal(pgpu);
        await rig.Api.CallAsync("PGPU.add_enabled_VGPU_types", pgpu, large);
        rig.Get(group).Set("enabled_VGPU_types").Should().BeEquivalentTo(small, large);
        (await rig.Api.ErrorAsync("PGPU.add_enabled_VGPU_types", pgpu, foreign)).Should().Equal("VGPU_TYPE_NOT_SUPPORTED", foreign, small, large);
        (await rig.Api.ErrorAsync("PGPU.set_enabled_VGPU_types", pgpu, JsonArguments.Array([foreign]))).Should().Equal("VGPU_TYPE_NOT_SUPPORTED", foreign, small, large);
        var vm = await rig.VmAsync();
        var vgpu = rig.Insert("VGPU", ("VM", vm), ("type", small), ("resident_on", pgpu));
        (await rig.Api.ErrorAsync("PGPU.remove_enabled_VGPU_types", pgpu, small)).Should().Equal("PGPU_IN_USE_BY_VM", vm);
        (await rig.Api.ErrorAsync("PGPU.set_enabled_VGPU_types", pgpu, JsonArguments.Array([large]))).Should().Equal("PGPU_IN_USE_BY_VM", vm);
        rig.Delete(vgpu);
        await rig.Api.CallAsync("PGPU.remove_enabled_VGPU_types", pgpu, small);
        rig.Get(pgpu).Set("enabled_VGPU_types").Should().Equal(large);
        rig.Get(group).Set("enabled_VGPU_types").Should().Equal(large);
    }

    [Fact]
    [SeesEffectOf("PGPU.set_GPU_group", "GPU_group.create", "GPU_group.destroy", "GPU_group.update_enabled_VGPU_types", "GPU_group.update_supported_VGPU_types")]
    public async Task A_group_is_of_one_kind_of_GPU()
    {
        var rig = await NetworkRig.CreateAsync(server);
        var type = Type(rig, Size);
        var group = await rig.Api.TextAsync("GPU_group.create", "cards", "fast", JsonArguments.Map(("k", "v")));
        rig.Get(group).Text("name_label").Should().Be("cards");
        rig.Get(group).Map("other_config")["k"]!.ToString().Should().Be("v");
        var first = Pgpu(rig, Records.Null, type);
        var other = Pgpu(rig, Records.Null, type);
        rig.Set(rig.Get(other).Target("PCI"), "device_id", "beef");
        await rig.Api.CallAsync("PGPU.set_GPU_group", first, group);
        rig.Get(first).Target("GPU_group").Should().Be(group);
        rig.Get(group).Set("GPU_types").Should().Equal("10de/1234");
        rig.Get(group).Set("supported_VGPU_types").Should().Equal(type);
        (await rig.Api.ErrorAsync("PGPU.set_GPU_group", other, group)).Should().Equal("PGPU_NOT_COMPATIBLE_WITH_GPU_GROUP", "10de/beef", "[10de/1234]");
        var vm = await rig.VmAsync();
        var vgpu = rig.Insert("VGPU", ("VM", vm), ("GPU_group", group), ("resident_on", first), ("currently_attached", true));
        (await rig.Api.ErrorAsync("PGPU.set_GPU_group", first, group)).Should().Equal("PGPU_IN_USE_BY_VM", vm);
        (await rig.Api.ErrorAsync("GPU_group.destroy", group)).Should().Equal("GPU_GROUP_CONTAINS_VGPU", vgpu);
        rig.Set(vgpu, "currently_attached", false);
        (await rig.Api.ErrorAsync("GPU_group.destroy", group)).Should().Equal("GPU_GROUP_CONTAINS_PGPU", first);
        rig.Set(vgpu, "resident_on", Records.Null);

        rig.Set(group, "supported_VGPU_types", XenArray.Empty);
        rig.Set(group, "enabled_VGPU_types", XenArray.Empty);
        await rig.Api.CallAsync("GPU_group.update_supported_VGPU_types", group);
        await rig.Api.CallAsync("GPU_group.update_enabled_VGPU_types", group);
        rig.Get(group).Set("supported_VGPU_types").Should().Equal(type);
        rig.Get(group).Set("enabled_VGPU_types").Should().Equal(type);

        var next = await GroupAsync(rig);
        await rig.Api.CallAsync("PGPU.set_GPU_group", first, next);
        rig.Get(group).Set("supported_VGPU_types").Should().BeEmpty();
        await rig.Api.CallAsync("GPU_group.destroy", group);
        rig.Exists(group).Should().BeFalse();
        rig.Exists(vgpu).Should().BeFalse();
    }

    [Fact]
    [SeesEffectOf("PGPU.get_remaining_capacity", "GPU_group.get_remaining_capacity")]
    public async Task Capacity_is_what_fits_beside_what_is_there()
    {
        var rig = await NetworkRig.CreateAsync(server);
        var quarter = Type(rig, Size / 4);
        var half = Type(rig, Size / 2);
        var whole = rig.Insert("VGPU_type", ("implementation", "passthrough"));
        var group = await GroupAsync(rig);
        var first = Pgpu(rig, group, quarter, half, whole);
        Pgpu(rig, group, quarter);
        (await CapacityAsync("PGPU", first, quarter)).Should().Be(4);
        (await CapacityAsync("PGPU", first, whole)).Should().Be(1);
        (await CapacityAsync("GPU_group", group, quarter)).Should().Be(8);
        (await CapacityAsync("GPU_group", group, half)).Should().Be(2);
        (await CapacityAsync("PGPU", first, Type(rig, 1))).Should().Be(0);
        rig.Insert("VGPU", ("type", quarter), ("resident_on", first));
        (await CapacityAsync("PGPU", first, quarter)).Should().Be(3);
        (await CapacityAsync("PGPU", first, half)).Should().Be(0, "the types do not go together");
        (await CapacityAsync("GPU_group", group, quarter)).Should().Be(7);
        rig.Insert("VGPU", ("type", quarter), ("scheduled_to_be_resident_on", first));
        (await CapacityAsync("PGPU", first, quarter)).Should().Be(2);
        var empty = Pgpu(rig, group, whole);
        (await CapacityAsync("PGPU", empty, whole)).Should().Be(1);
        rig.Set(rig.Get(empty).Target("PCI"), "attached_VMs", XenArray.Of([await rig.VmAsync()]));
        (await CapacityAsync("PGPU", empty, whole)).Should().Be(0);

        async Task<long> CapacityAsync(string @class, string self, string type) => (await rig.Api.CallAsync(@class + ".get_remaining_capacity", self, type)).GetValue<long>();
    }

    [Fact]
    [SeesEffectOf("VGPU.create", "VGPU.destroy", "VGPU.atomic_set_resident_on")]
    public async Task A_VM_gets_virtual_GPUs_while_it_is_off()
    {
        var rig = await NetworkRig.CreateAsync(server);
        var group = await GroupAsync(rig);
        var vm = await rig.VmAsync();
        var passthrough = rig.Get(await rig.Api.TextAsync("VGPU.create", vm, group));
        passthrough.Text("device").Should().Be("0");
        rig.Get(passthrough.Target("type")).Text("implementation").Should().Be("passthrough");
        rig.Get(vm).Set("VGPUs").Should().Equal(passthrough.Reference);
        rig.Get(group).Set("VGPUs").Should().Equal(passthrough.Reference);
        var type = Type(rig, Size / 4);
        (await rig.Api.ErrorAsync("VGPU.create", vm, group, "1", JsonArguments.Map(), type)).Should().Equal("VGPU_TYPE_NOT_COMPATIBLE", type);
        await rig.Api.CallAsync("VGPU.destroy", passthrough.Reference);
        rig.Exists(passthrough.Reference).Should().BeFalse();

        rig.Set(type, "compatible_types_in_vm", XenArray.Of([type]));
        object?[] Arguments(string device) => [vm, group, device, JsonArguments.Map(("a", "b")), type];
        var first = await rig.Api.TextAsync("VGPU.create", Arguments("0"));
        var fifth = await rig.Api.TextAsync("VGPU.create", Arguments("5"));
        rig.Get(fifth).Text("device").Should().Be("5");
        rig.Get(fifth).Map("other_config")["a"]!.ToString().Should().Be("b");
        (await rig.Api.ErrorAsync("VGPU.create", Arguments("5"))).Should().Equal("DEVICE_ALREADY_EXISTS", "5");
        foreach (var device in (string[])["21", "-1"])
            (await rig.Api.ErrorAsync("VGPU.create", Arguments(device))).Should().Equal("INVALID_DEVICE", device);
        (await rig.Api.ErrorAsync("VGPU.create", vm, group, "1", JsonArguments.Map(), SampleValues.Nowhere)).Should().Equal("INVALID_VALUE", "type", SampleValues.Nowhere);
        rig.Get(await rig.Api.TextAsync("VGPU.create", Arguments("0"))).Text("device").Should().Be("1");

        rig.SetState(vm, "Running");
        (await rig.Api.ErrorAsync("VGPU.create", Arguments("0"))).Should().Equal("VM_BAD_POWER_STATE", vm, "halted", "running");
        (await rig.Api.ErrorAsync("VGPU.destroy", first)).Should().Equal("OPERATION_NOT_ALLOWED", "a VM keeps its vGPU while it has a domain");
        rig.SetState(vm, "Halted");
        (await rig.ErrorWhileAsync(rig.Pool, "restrictions", XenStruct.Of(("restrict_gpu", "true")), "VGPU.create", Arguments("0"))).Should().Equal("FEATURE_RESTRICTED");
        for (var device = 2; device <= 20; device++)
        {
            if (device != 5)
                await rig.Api.CallAsync("VGPU.create", Arguments(device.ToString()));
        }

        (await rig.Api.ErrorAsync("VGPU.create", Arguments("0"))).Should().Equal("VM_PCI_BUS_FULL", vm);
        var pgpu = Pgpu(rig, group, type);
        rig.Set(first, "scheduled_to_be_resident_on", pgpu);
        await rig.PoolSession().CallAsync("VGPU.atomic_set_resident_on", first, pgpu);
        rig.Get(first).Target("resident_on").Should().Be(pgpu);
        rig.Get(first).Target("scheduled_to_be_resident_on").Should().Be(Records.Null);
        rig.Get(pgpu).Set("resident_VGPUs").Should().Equal(first);
    }

    [Fact]
    [SeesEffectOf("PCI.disable_dom0_access", "PCI.enable_dom0_access", "PCI.get_dom0_access_status", "PGPU.disable_dom0_access", "PGPU.enable_dom0_access")]
    public async Task A_device_leaves_the_control_domain_at_the_next_boot()
    {
        var rig = await NetworkRig.CreateAsync(server);
        var pci = rig.Insert("PCI");
        (await rig.Api.TextAsync("PCI.get_dom0_access_status", pci)).Should().Be("enabled");
        (await rig.Api.TextAsync("PCI.disable_dom0_access", pci)).Should().Be("disable_on_reboot");
        (await rig.Api.TextAsync("PCI.get_dom0_access_status", pci)).Should().Be("disable_on_reboot");
        (await rig.Api.TextAsync("PCI.enable_dom0_access", pci)).Should().Be("enabled");

        var pgpu = Pgpu(rig, Records.Null);
        (await rig.Api.TextAsync("PGPU.disable_dom0_access", pgpu)).Should().Be("disable_on_reboot");
        rig.Get(pgpu).Text("dom0_access").Should().Be("disable_on_reboot");
        rig.Set(pgpu, "dom0_access", "disabled");
        (await rig.Api.TextAsync("PCI.get_dom0_access_status", rig.Get(pgpu).Target("PCI"))).Should().Be("disabled");
        (await rig.Api.TextAsync("PGPU.enable_dom0_access", pgpu)).Should().Be("enable_on_reboot");
        rig.Get(pgpu).Text("dom0_access").Should().Be("enable_on_reboot");
        (await rig.ErrorWhileAsync(rig.Pool, "restrictions", XenStruct.Of(("restrict_integrated_gpu_passthrough", "true")), "PGPU.disable_dom0_access", pgpu))
            .Should().Equal("FEATURE_RESTRICTED");
    }

    /// <summary>A type that goes together with itself on one GPU.</summary>
    private static string Type(NetworkRig rig, long size)
    {
        var type = rig.Insert("VGPU_type", ("implementation", "nvidia"), ("size", size), ("model_name", "share of " + size));
        rig.Set(type, "compatible_types_on_pgpu", XenArray.Of([type]));
        return type;
    }

    private static Task<string> GroupAsync(NetworkRig rig) => rig.Api.TextAsync("GPU_group.create");

    private static string Pgpu(NetworkRig rig, string group, params string[] types) => rig.Insert(
        "PGPU",
        ("host", rig.Host),
        ("GPU_group", group),
        ("PCI", rig.Insert("PCI", ("vendor_id", "10de"), ("device_id", "1234"), ("host", rig.Host))),
        ("supported_VGPU_types", XenArray.Of(types)),
        ("enabled_VGPU_types", XenArray.Of(types)));
}
