using FluentAssertions;
using XapiCompat.Server.Tests.Support;
using XapiCompat.Values;
using Xunit;

namespace XapiCompat.Server.Tests.Api.Network;

/// <summary>VIFs of running and halted VMs: which operations they allow, plugging, moving, MAC addresses.</summary>
public sealed class VifPlugTests(RunningServer server) : IClassFixture<RunningServer>
{
    [Fact]
    [SeesEffectOf("VIF.plug", "VIF.unplug", "VIF.unplug_force")]
    public async Task A_VIF_of_a_running_VM_is_plugged_and_unplugged()
    {
        var rig = await NetworkRig.CreateAsync(server);
        var network = await rig.NetworkAsync();
        var pif = await rig.PifAsync(network: network);
        rig.Set(pif, "currently_attached", false);
        var vm = await rig.VmAsync("Running");
        var vif = await rig.VifAsync(vm, network);
        (await rig.Api.ListAsync("VIF.get_allowed_operations", vif)).Should().BeEquivalentTo("attach", "plug");

        await rig.Api.CallAsync("VIF.plug", vif);
        (await rig.Api.FlagAsync("VIF.get_currently_attached", vif)).Should().BeTrue();
        (await rig.Api.ListAsync("VIF.get_allowed_operations", vif)).Should().BeEquivalentTo("attach", "unplug");
        (await rig.Api.FlagAsync("PIF.get_currently_attached", pif)).Should().BeTrue("the network behind it comes up");
        (await rig.Api.ErrorAsync("VIF.plug", vif)).Should().Equal("DEVICE_ALREADY_ATTACHED", vif);
        (await rig.Api.ErrorAsync("VIF.destroy", vif)).Should().Equal("OPERATION_NOT_ALLOWED", "the VIF is plugged in");

        await rig.Api.CallAsync("VIF.unplug", vif);
        (await rig.Api.FlagAsync("VIF.get_currently_attached", vif)).Should().BeFalse();
        rig.Get(vif).Map("current_operations").Count.Should().Be(0);
        (await rig.Api.ErrorAsync("VIF.unplug", vif)).Should().Equal("DEVICE_ALREADY_DETACHED", vif);
        (await rig.Api.ErrorAsync("VIF.unplug_force", vif)).Should().Equal("DEVICE_ALREADY_DETACHED", vif);
        await rig.Api.CallAsync("VIF.plug", vif);
        await rig.Api.CallAsync("VIF.unplug_force", vif);
        (await rig.Api.FlagAsync("VIF.get_currently_attached", vif)).Should().BeFalse();
    }

    [Theory]
    [InlineData("Halted")]
    [InlineData("Paused")]
    [InlineData("Suspended")]
    public async Task A_VM_that_does_not_run_has_no_hotplug(string state)
    {
        var rig = await NetworkRig.CreateAsync(server);
        var vm = await rig.VmAsync(state);
        var vif = await rig.VifAsync(vm, await rig.NetworkAsync());
        (await rig.Api.ListAsync("VIF.get_allowed_operations", vif)).Should().Equal("attach");
        foreach (var call in (string[])["VIF.plug", "VIF.unplug", "VIF.unplug_force"])
            (await rig.Api.ErrorAsync(call, vif)).Should().Equal("VM_BAD_POWER_STATE", vm, "running", state.ToLowerInvariant());
    }

    [Fact]
    public async Task A_guest_must_be_able_to_take_devices()
    {
        var rig = await NetworkRig.CreateAsync(server);
        var vm = await rig.Api.TextAsync("VM.create", Records.Vm("hvm"));
        rig.SetState(vm, "Running");
        var vif = await rig.VifAsync(vm, await rig.NetworkAsync());
        (await rig.Api.ErrorAsync("VIF.plug", vif)).Should().Equal("VM_MISSING_PV_DRIVERS", vm);
        var guest = rig.Insert("VM_guest_metrics", ("can_use_hotplug_vif", "no"));
        rig.Set(vm, "guest_metrics", guest);
        (await rig.Api.ErrorAsync("VIF.plug", vif)).Should().Equal("OPERATION_NOT_ALLOWED", "the guest takes and gives up VIFs at start only");
        rig.Set(guest, "can_use_hotplug_vif", "unspecified");
        (await rig.Api.ErrorAsync("VIF.plug", vif)).Should().Equal("VM_MISSING_PV_DRIVERS", vm);
        rig.Set(guest, "PV_drivers_detected", true);
        (await rig.Api.ListAsync("VIF.get_allowed_operations", vif)).Should().BeEquivalentTo("attach", "plug");
        await rig.Api.CallAsync("VIF.plug", vif);
    }

    [Fact]
    public async Task A_VM_that_is_leaving_keeps_its_devices()
    {
        var rig = await NetworkRig.CreateAsync(server);
        var vm = await rig.VmAsync("Running");
        var vif = await rig.VifAsync(vm, await rig.NetworkAsync());
        (await rig.ErrorWhileAsync(vm, "current_operations", XenStruct.Of(("task", "clean_shutdown")), "VIF.plug", vif))
            .Should().Equal("OPERATION_NOT_ALLOWED", "the VM " + vm + " is about to go: clean_shutdown");
        var control = rig.All("VM").First(v => v.Flag("is_control_domain")).Reference;
        var own = await rig.Api.TextAsync("VIF.create", Records.Vif(control, await rig.NetworkAsync(), "0", "02:00:00:00:00:77"));
        (await rig.Api.ErrorAsync("VIF.plug", own)).Should().Equal("OPERATION_NOT_ALLOWED", "the control domain of a host takes no VIFs");
    }

    [Fact]
    public async Task A_busy_VIF_is_waited_for()
    {
        var rig = await NetworkRig.CreateAsync(server);
        var vif = await rig.VifAsync(await rig.VmAsync("Running"), await rig.NetworkAsync());
        rig.Set(vif, "current_operations", XenStruct.Of(("other", "unplug")));
        (await rig.Api.ListAsync("VIF.get_allowed_operations", vif)).Should().BeEmpty();
        var plug = rig.Api.CallAsync("VIF.plug", vif);
        rig.Set(vif, "current_operations", XenStruct.Empty);
        await plug;
        (await rig.Api.FlagAsync("VIF.get_currently_attached", vif)).Should().BeTrue();
    }

    [Fact]
    [SeesEffectOf("VIF.move")]
    public async Task A_VIF_moves_to_a_network_that_its_host_sees()
    {
        var rig = await NetworkRig.CreateAsync(server);
        var first = await rig.NetworkAsync();
        var second = await rig.NetworkAsync();
        var vm = await rig.VmAsync("Running");
        var vif = await rig.VifAsync(vm, first);
        await rig.Api.CallAsync("VIF.plug", vif);
        await rig.Api.CallAsync("VIF.move", vif, second);
        (await rig.Api.TextAsync("VIF.get_network", vif)).Should().Be(second);
        (await rig.Api.ListAsync("network.get_VIFs", first)).Should().BeEmpty();
        (await rig.Api.ListAsync("network.get_VIFs", second)).Should().Equal(vif);
        (await rig.Api.FlagAsync("VIF.get_currently_attached", vif)).Should().BeTrue();

        var host = rig.AddHost();
        var elsewhere = await rig.NetworkAsync();
        await rig.PifAsync("eth0", host, elsewhere);
        (await rig.Api.ErrorAsync("VIF.move", vif, elsewhere)).Should().Equal("HOST_CANNOT_ATTACH_NETWORK", rig.Host, elsewhere);
        await rig.Api.CallAsync("VIF.unplug", vif);
        await rig.Api.CallAsync("VIF.move", vif, elsewhere);
        (await rig.Api.TextAsync("VIF.get_network", vif)).Should().Be(elsewhere);
        (await rig.Api.ErrorAsync("VIF.move", vif, SampleValues.Nowhere)).Should().Equal("HANDLE_INVALID", "network", SampleValues.Nowhere);
    }

    [Fact]
    [SeesEffectOf("VIF.create", "VIF.destroy")]
    public async Task A_MAC_comes_from_the_seed_as_on_a_real_host()
    {
        var rig = await NetworkRig.CreateAsync(server);
        var network = await rig.NetworkAsync();
        var vm = await rig.VmAsync();
        rig.Set(vm, "other_config", XenStruct.Of(("mac_seed", "12345678-1234-5678-1234-567812345678")));
        var first = await rig.VifAsync(vm, network);
        var second = await rig.VifAsync(vm, network, "1");
        var addresses = new[] { rig.Get(first).Text("MAC"), rig.Get(second).Text("MAC") };
        addresses.Should().Equal("ae:f0:4b:af:14:32", "ee:9f:57:d4:1e:bf");
        await rig.Api.CallAsync("VIF.destroy", first);
        rig.Exists(first).Should().BeFalse();
        rig.Get(vm).Set("VIFs").Should().Equal(second);
        rig.Set(vm, "other_config", XenStruct.Empty);
        (await rig.Api.ErrorAsync("VIF.create", Records.Vif(vm, network, "2"))).Should().Equal("MAC_INVALID", "");
        (await rig.Api.ErrorAsync("VIF.create", Records.Vif(vm, network, "2", "02:00:00:00:00"))).Should().Equal("MAC_INVALID", "02:00:00:00:00");
        (await rig.Api.ErrorAsync("VIF.create", Records.Vif(vm, network, "70000", "02:00:00:00:00:01"))).Should().Equal("INVALID_DEVICE", "70000");
    }

    [Fact]
    public async Task A_proxy_stays_on_the_lowest_interface()
    {
        var rig = await NetworkRig.CreateAsync(server);
        var network = await rig.NetworkAsync();
        var vm = await rig.VmAsync();
        var vif = await rig.VifAsync(vm, network, "2");
        var proxy = rig.Insert("PVS_proxy", ("VIF", vif));
        (await rig.Api.ErrorAsync("VIF.create", Records.Vif(vm, network, "1"))).Should().Equal("PVS_PROXY_PRESENT_ON_HIGHER_VIF_DEVICE", "2");
        await rig.VifAsync(vm, network, "3");
        rig.Delete(proxy);
        await rig.VifAsync(vm, network, "1");
    }
}
