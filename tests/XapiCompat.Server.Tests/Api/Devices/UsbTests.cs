using FluentAssertions;
using XapiCompat.Server.Tests.Api.Network;
using XapiCompat.Server.Tests.Support;
using XapiCompat.Values;
using Xunit;

namespace XapiCompat.Server.Tests.Api.Devices;

/// <summary>USB devices of hosts and VMs.</summary>
public sealed class UsbTests(RunningServer server) : IClassFixture<RunningServer>
{
    [Fact]
    [SeesEffectOf("PUSB.scan", "USB_group.create", "USB_group.destroy")]
    public async Task Every_device_has_a_group()
    {
        var rig = await NetworkRig.CreateAsync(server);
        var pusb = rig.Insert("PUSB", ("host", rig.Host), ("vendor_id", "0781"), ("product_id", "5591"));
        await rig.Api.CallAsync("PUSB.scan", rig.Host);
        var group = rig.Get(pusb).Target("USB_group");
        rig.Get(group).Text("name_label").Should().Be("Group of 0781 5591 USBs");
        rig.Get(group).Set("PUSBs").Should().Equal(pusb);
        await rig.Api.CallAsync("PUSB.scan", rig.Host);
        rig.Get(pusb).Target("USB_group").Should().Be(group);

        (await rig.Api.ErrorAsync("USB_group.destroy", group)).Should().Equal("USB_GROUP_CONTAINS_PUSB", pusb);
        var own = await rig.Api.TextAsync("USB_group.create", "sticks", "of mine", JsonArguments.Map(("k", "v")));
        rig.Get(own).Text("name_label").Should().Be("sticks");
        var vusb = rig.Insert("VUSB", ("USB_group", own), ("currently_attached", true));
        (await rig.Api.ErrorAsync("USB_group.destroy", own)).Should().Equal("USB_GROUP_CONTAINS_VUSB", vusb);
        rig.Set(vusb, "currently_attached", false);
        await rig.Api.CallAsync("USB_group.destroy", own);
        rig.Exists(own).Should().BeFalse();
        rig.Exists(vusb).Should().BeFalse();
    }

    [Fact]
    [SeesEffectOf("PUSB.set_passthrough_enabled")]
    public async Task A_device_is_a_disk_of_the_host_or_for_a_VM()
    {
        var rig = await NetworkRig.CreateAsync(server);
        var group = await rig.Api.TextAsync("USB_group.create");
        var pusb = rig.Insert("PUSB", ("host", rig.Host), ("USB_group", group), ("path", "1-2"));
        var sr = rig.All("SR").First(s => s.Text("type") == "udev").Reference;
        var vdi = rig.Insert("VDI", ("SR", sr), ("sm_config", XenStruct.Of(("usb_path", "1-2"))), ("managed", true));
        var vbd = rig.Insert("VBD", ("VDI", vdi), ("VM", await rig.VmAsync()));
        (await rig.Api.ErrorAsync("PUSB.set_passthrough_enabled", pusb, true)).Should().Equal("PUSB_VDI_CONFLICT", pusb, vdi);
        rig.Get(pusb).Flag("passthrough_enabled").Should().BeFalse();
        rig.Delete(vbd);
        await rig.Api.CallAsync("PUSB.set_passthrough_enabled", pusb, true);
        rig.Get(pusb).Flag("passthrough_enabled").Should().BeTrue();
        rig.Exists(vdi).Should().BeFalse();
        var vm = await rig.VmAsync();
        var vusb = await rig.Api.TextAsync("VUSB.create", vm, group);
        rig.Set(vusb, "currently_attached", true);
        (await rig.Api.ErrorAsync("PUSB.set_passthrough_enabled", pusb, false)).Should().Equal("USB_ALREADY_ATTACHED", pusb, vm);
        rig.Set(vusb, "currently_attached", false);
        await rig.Api.CallAsync("PUSB.set_passthrough_enabled", pusb, false);
        rig.Get(pusb).Flag("passthrough_enabled").Should().BeFalse();
        rig.Exists(vusb).Should().BeFalse();
    }

    [Fact]
    [SeesEffectOf("VUSB.create", "VUSB.unplug", "VUSB.destroy")]
    public async Task A_VM_has_up_to_six_devices()
    {
        var rig = await NetworkRig.CreateAsync(server);
        var vm = await rig.Api.TextAsync("VM.create", Records.Vm("usb"));
        var group = await rig.Api.TextAsync("USB_group.create");
        var vusb = await rig.Api.TextAsync("VUSB.create", vm, group, JsonArguments.Map(("k", "v")));
        rig.Get(vusb).Target("VM").Should().Be(vm);
        rig.Get(vusb).Map("other_config")["k"]!.ToString().Should().Be("v");
        rig.Get(vm).Set("VUSBs").Should().Equal(vusb);
        rig.Get(vusb).Set("allowed_operations").Should().Equal("attach");
        (await rig.Api.ErrorAsync("VUSB.create", await rig.VmAsync(), group)).Should().Equal("USB_GROUP_CONFLICT", group);
        (await rig.ErrorWhileAsync(rig.Pool, "restrictions", XenStruct.Of(("restrict_usb_passthrough", "true")), "VUSB.create", vm, group))
            .Should().Equal("LICENCE_RESTRICTION", "USB_passthrough");
        var protectedVm = await rig.VmAsync();
        rig.Set(protectedVm, "ha_restart_priority", "restart");
        (await rig.Api.ErrorAsync("VUSB.create", protectedVm, await rig.Api.TextAsync("USB_group.create")))[0].Should().Be("OPERATION_NOT_ALLOWED");

        (await rig.Api.ErrorAsync("VUSB.unplug", vusb)).Should().Equal("VM_BAD_POWER_STATE", vm, "running", "halted");
        rig.SetState(vm, "Running");
        rig.Get(vusb).Set("allowed_operations").Should().BeEquivalentTo("attach", "plug");
        (await rig.Api.ErrorAsync("VUSB.unplug", vusb)).Should().Equal("DEVICE_ALREADY_DETACHED", vusb);
        rig.Set(vusb, "currently_attached", true);
        rig.Get(vusb).Set("allowed_operations").Should().BeEquivalentTo("attach", "unplug");
        (await rig.ErrorWhileAsync(vm, "current_operations", XenStruct.Of(("task", "suspend")), "VUSB.unplug", vusb))
            .Should().Equal("OPERATION_NOT_ALLOWED", "the VM " + vm + " is about to go: suspend");
        (await rig.Api.ErrorAsync("VUSB.destroy", vusb)).Should().Equal("OPERATION_NOT_ALLOWED", "the VUSB is plugged into VM " + rig.Get(vm).Uuid);
        await rig.Api.CallAsync("VUSB.unplug", vusb);
        rig.Get(vusb).Flag("currently_attached").Should().BeFalse();
        await rig.Api.CallAsync("VUSB.destroy", vusb);
        rig.Exists(vusb).Should().BeFalse();
        for (var i = 0; i < 6; i++)
            await rig.Api.CallAsync("VUSB.create", vm, await rig.Api.TextAsync("USB_group.create"));
        (await rig.Api.ErrorAsync("VUSB.create", vm, await rig.Api.TextAsync("USB_group.create"))).Should().Equal("TOO_MANY_VUSBS", "6");
    }
}
