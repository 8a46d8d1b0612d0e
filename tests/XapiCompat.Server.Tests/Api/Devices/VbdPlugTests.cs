using FluentAssertions;
using XapiCompat.Server.Tests.Support;
using Xunit;

namespace XapiCompat.Server.Tests.Api.Devices;

/// <summary>Disks that come and go while their VM runs: what changes, and what refuses.</summary>
public sealed class VbdPlugTests(RunningServer server) : IClassFixture<RunningServer>
{
    [Fact]
    [SeesEffectOf("VBD.plug", "VBD.unplug", "VBD.unplug_force", "VBD.unplug_force_no_safety_check")]
    public async Task A_disk_is_plugged_and_unplugged()
    {
        var rig = await VbdRig.CreateAsync(server);
        foreach (var unplug in (string[])["VBD.unplug", "VBD.unplug_force", "VBD.unplug_force_no_safety_check"])
        {
            (await rig.AllowedAsync(rig.Vbd)).Should().BeEquivalentTo("attach", "pause", "unpause", "plug");
            await rig.Api.CallAsync("VBD.plug", rig.Vbd);
            (await rig.AttachedAsync(rig.Vbd)).Should().BeTrue();
            (await rig.Api.TextAsync("VBD.get_device", rig.Vbd)).Should().Be("xvda");
            (await rig.AllowedAsync(rig.Vbd)).Should().BeEquivalentTo("attach", "pause", "unpause", "unplug", "unplug_force");
            (await rig.Api.ListAsync("VDI.get_allowed_operations", rig.Vdi)).Should().NotContain("destroy");
            (await rig.Api.ErrorAsync("VDI.destroy", rig.Vdi)).Should().Equal("VDI_IN_USE", rig.Vdi, "destroy");

            await rig.Api.CallAsync(unplug, rig.Vbd);
            (await rig.AttachedAsync(rig.Vbd)).Should().BeFalse(unplug);
            (await rig.Api.TextAsync("VBD.get_device", rig.Vbd)).Should().Be("xvda");
            (await rig.Api.ListAsync("VDI.get_allowed_operations", rig.Vdi)).Should().Contain("destroy");
            (await rig.Api.RecordAsync("VBD", rig.Vbd))["current_operations"]!.AsObject().Should().BeEmpty();
        }

        await rig.Api.CallAsync("VDI.destroy", rig.Vdi);
    }

    [Fact]
    public async Task Plugging_is_seen_as_events_of_the_VBD_and_of_its_disk()
    {
        var rig = await VbdRig.CreateAsync(server);
        var first = (await rig.Api.CallAsync("event.from", JsonArguments.Array(["VBD", "VDI"]), "", 5.0)).AsObject();
        await rig.Api.CallAsync("VBD.plug", rig.Vbd);
        var next = (await rig.Api.CallAsync("event.from", JsonArguments.Array(["VBD", "VDI"]), first["token"]!.GetValue<string>(), 5.0)).AsObject();
        var seen = next["events"]!.AsArray().Select(e => e!["ref"]!.GetValue<string>());
        seen.Should().Contain([rig.Vbd, rig.Vdi]);
    }

    [Fact]
    public async Task Disks_are_plugged_to_the_control_domain()
    {
        var rig = await VbdRig.CreateAsync(server);
        var host = (await rig.Api.ListAsync("host.get_all"))[0];
        var domain = await rig.Api.TextAsync("host.get_control_domain", host);
        (await rig.Api.ListAsync("VM.get_allowed_VBD_devices", domain)).Should().HaveCount(256);
        var vbd = await rig.ConnectAsync(domain, rig.Vdi);
        await rig.Api.CallAsync("VBD.plug", rig.Vbd);
        await rig.Api.CallAsync("VBD.plug", vbd);
        (await rig.AttachedAsync(vbd)).Should().BeTrue("system domains share disks");
        (await rig.Api.ErrorAsync("VBD.destroy", vbd))[0].Should().Be("OPERATION_NOT_ALLOWED");
        await rig.Api.CallAsync("VBD.unplug", vbd);
        await rig.Api.CallAsync("VBD.destroy", vbd);
    }

    [Fact]
    public async Task What_is_attached_is_not_attached_again()
    {
        var rig = await VbdRig.CreateAsync(server);
        (await rig.Api.ErrorAsync("VBD.unplug", rig.Vbd)).Should().Equal("DEVICE_ALREADY_DETACHED", rig.Vbd);
        (await rig.Api.ErrorAsync("VBD.unplug_force", rig.Vbd)).Should().Equal("DEVICE_ALREADY_DETACHED", rig.Vbd);
        await rig.Api.CallAsync("VBD.plug", rig.Vbd);
        (await rig.Api.ErrorAsync("VBD.plug", rig.Vbd)).Should().Equal("DEVICE_ALREADY_ATTACHED", rig.Vbd);
    }

    [Theory]
    [InlineData("Halted", "halted", "attach")]
    [InlineData("Suspended", "suspended", "attach")]
    [InlineData("Paused", "paused", "attach, pause, unpause")]
    public async Task Only_a_running_VM_takes_disks(string state, string text, string allowed)
    {
        var rig = await VbdRig.CreateAsync(server, state);
        foreach (var call in (string[])["VBD.plug", "VBD.unplug", "VBD.unplug_force", "VBD.unplug_force_no_safety_check"])
            (await rig.Api.ErrorAsync(call, rig.Vbd)).Should().Equal("VM_BAD_POWER_STATE", rig.Vm, "running", text);
        (await rig.AllowedAsync(rig.Vbd)).Should().BeEquivalentTo(allowed.Split(", "));
        if (state != "Paused")
            (await rig.Api.ErrorAsync("VBD.pause", rig.Vbd)).Should().Equal("VM_BAD_POWER_STATE", rig.Vm, "running", text);
    }

    [Fact]
    public async Task A_disk_that_must_stay_stays()
    {
        var rig = await VbdRig.CreateAsync(server);
        await rig.Api.CallAsync("VBD.plug", rig.Vbd);
        await rig.Api.CallAsync("VBD.set_unpluggable", rig.Vbd, false);
        (await rig.Api.ErrorAsync("VBD.unplug", rig.Vbd)).Should().Equal("VBD_NOT_UNPLUGGABLE", rig.Vbd);
        (await rig.Api.ErrorAsync("VBD.unplug_force", rig.Vbd)).Should().Equal("VBD_NOT_UNPLUGGABLE", rig.Vbd);
        (await rig.AllowedAsync(rig.Vbd)).Should().BeEquivalentTo("attach", "pause", "unpause");
    }

    [Fact]
    public async Task An_HVM_guest_needs_drivers()
    {
        var rig = await VbdRig.CreateAsync(server, policy: "BIOS order");
        (await rig.Api.ErrorAsync("VBD.plug", rig.Vbd)).Should().Equal("VM_MISSING_PV_DRIVERS", rig.Vm);
        (await rig.AllowedAsync(rig.Vbd)).Should().BeEquivalentTo("attach", "pause", "unpause");
        rig.Drivers(detected: true);
        (await rig.AllowedAsync(rig.Vbd)).Should().Contain("plug");
        await rig.Api.CallAsync("VBD.plug", rig.Vbd);
        rig.Drivers(detected: false);
        (await rig.Api.ErrorAsync("VBD.unplug", rig.Vbd)).Should().Equal("VM_MISSING_PV_DRIVERS", rig.Vm);
        rig.Drivers(detected: true, hotplug: "no");
        (await rig.Api.ErrorAsync("VBD.unplug_force", rig.Vbd))[0].Should().Be("OPERATION_NOT_ALLOWED");
        rig.Drivers(detected: false, hotplug: "yes");
        await rig.Api.CallAsync("VBD.unplug", rig.Vbd);
    }

    [Fact]
    public async Task CD_drives_of_HVM_guests_stay()
    {
        var rig = await VbdRig.CreateAsync(server, policy: "BIOS order");
        rig.Drivers(detected: true);
        var drive = await rig.DriveAsync();
        (await rig.Api.ErrorAsync("VBD.plug", drive))[0].Should().Be("OPERATION_NOT_ALLOWED");
        (await rig.AllowedAsync(drive)).Should().BeEquivalentTo("attach", "insert", "pause", "unpause");
    }

    [Theory]
    [InlineData("clean_shutdown")]
    [InlineData("hard_shutdown")]
    [InlineData("suspend")]
    [InlineData("pause")]
    public async Task A_VM_on_its_way_out_takes_no_disks(string operation)
    {
        var rig = await VbdRig.CreateAsync(server);
        rig.Run(rig.Vm, operation);
        (await rig.Api.ErrorAsync("VBD.plug", rig.Vbd))[0].Should().Be("OPERATION_NOT_ALLOWED");
        rig.Set(rig.Vbd, "currently_attached", true);
        (await rig.Api.ErrorAsync("VBD.unplug", rig.Vbd))[0].Should().Be("OPERATION_NOT_ALLOWED");
        (await rig.AllowedAsync(rig.Vbd)).Should().Contain("unplug_force");
        rig.Rest(rig.Vm);
    }

    [Fact]
    public async Task A_busy_VBD_is_waited_for()
    {
        var rig = await VbdRig.CreateAsync(server);
        rig.Run(rig.Vbd, "attach");
        (await rig.AllowedAsync(rig.Vbd)).Should().BeEquivalentTo("unpause");
        (await rig.Api.ErrorAsync("VBD.assert_attachable", rig.Vbd)).Should().Equal("OTHER_OPERATION_IN_PROGRESS", "VBD", rig.Vbd, "attach", "OpaqueRef:task");
        var task = await rig.Api.TextAsync("Async.VBD.plug", rig.Vbd);
        rig.Run(rig.Vbd, "pause");
        (await rig.AllowedAsync(rig.Vbd)).Should().BeEquivalentTo("pause", "unpause");
        rig.Rest(rig.Vbd);
        (await rig.Api.FinishedAsync(task))["status"]!.GetValue<string>().Should().Be("success");
        (await rig.AttachedAsync(rig.Vbd)).Should().BeTrue();
    }

    [Fact]
    public async Task A_busy_disk_is_waited_for_but_not_a_copied_one()
    {
        var rig = await VbdRig.CreateAsync(server);
        rig.Run(rig.Vdi, "resize");
        (await rig.AllowedAsync(rig.Vbd)).Should().BeEquivalentTo("pause", "unpause");
        (await rig.Api.ErrorAsync("VBD.assert_attachable", rig.Vbd)).Should().Equal("OTHER_OPERATION_IN_PROGRESS", "VDI", rig.Vdi, "resize", "OpaqueRef:task");
        rig.Run(rig.Vdi, "copy");
        await rig.Api.CallAsync("VBD.plug", rig.Vbd);
        rig.Rest(rig.Vdi);
    }

    [Fact]
    [SeesEffectOf("VBD.assert_attachable")]
    public async Task A_disk_is_written_by_one_VM_or_read_by_many()
    {
        var rig = await VbdRig.CreateAsync(server);
        var other = await rig.NewVmAsync();
        var (writer, reader) = (await rig.ConnectAsync(other, rig.Vdi), await rig.ConnectAsync(await rig.NewVmAsync(), rig.Vdi, "RO"));
        var second = await rig.ConnectAsync(await rig.NewVmAsync(), rig.Vdi, "RO");

        await rig.Api.CallAsync("VBD.plug", rig.Vbd);
        foreach (var refused in (string[])[writer, reader])
        {
            (await rig.Api.ErrorAsync("VBD.plug", refused)).Should().Equal("VDI_IN_USE", rig.Vdi);
            (await rig.Api.ErrorAsync("VBD.assert_attachable", refused)).Should().Equal("VDI_IN_USE", rig.Vdi);
            (await rig.AllowedAsync(refused)).Should().BeEquivalentTo("pause", "unpause");
        }

        await rig.Api.CallAsync("VBD.unplug", rig.Vbd);
        (await rig.AllowedAsync(writer)).Should().Contain("plug");
        await rig.Api.CallAsync("VBD.plug", reader);
        await rig.Api.CallAsync("VBD.plug", second);
        (await rig.Api.ErrorAsync("VBD.plug", writer)).Should().Equal("VDI_IN_USE", rig.Vdi);
        await rig.Api.CallAsync("VDI.set_sharable", rig.Vdi, true);
        await rig.Api.CallAsync("VBD.assert_attachable", writer);
        await rig.Api.CallAsync("VBD.plug", writer);
    }

    [Fact]
    public async Task A_suspended_VM_holds_no_disk()
    {
        var rig = await VbdRig.CreateAsync(server);
        var writer = await rig.ConnectAsync(await rig.NewVmAsync(), rig.Vdi);
        await rig.Api.CallAsync("VBD.plug", rig.Vbd);
        (await rig.AllowedAsync(writer)).Should().NotContain("plug");
        rig.Set(rig.Vm, "power_state", "Suspended");
        (await rig.AllowedAsync(writer)).Should().Contain("plug");
        rig.Set(rig.Vm, "power_state", "Running");
        (await rig.AllowedAsync(writer)).Should().NotContain("plug");
    }

    [Fact]
    public async Task A_read_only_disk_is_not_attached_for_writing()
    {
        var rig = await VbdRig.CreateAsync(server);
        await rig.Api.CallAsync("VDI.set_read_only", rig.Vdi, true);
        (await rig.Api.ErrorAsync("VBD.plug", rig.Vbd)).Should().Equal("VDI_READONLY", rig.Vdi);
        (await rig.Api.ErrorAsync("VBD.assert_attachable", rig.Vbd)).Should().Equal("VDI_READONLY", rig.Vdi);
    }

    [Fact]
    public async Task A_base_copy_is_attached_by_nobody()
    {
        var rig = await VbdRig.CreateAsync(server);
        rig.Set(rig.Vdi, "managed", false);
        (await rig.Api.ErrorAsync("VBD.plug", rig.Vbd)).Should().Equal("VDI_NOT_MANAGED", rig.Vbd);
        (await rig.AllowedAsync(rig.Vbd)).Should().BeEmpty();
    }

    [Fact]
    public async Task No_repository_pauses_a_disk()
    {
        var rig = await VbdRig.CreateAsync(server);
        var sr = await rig.Api.TextAsync("VDI.get_SR", rig.Vdi);
        (await rig.Api.ErrorAsync("VBD.pause", rig.Vbd)).Should().Equal("SR_OPERATION_NOT_SUPPORTED", sr);
        (await rig.Api.ErrorAsync("VBD.unpause", rig.Vbd, "")).Should().Equal("SR_OPERATION_NOT_SUPPORTED", sr);
        (await rig.Api.RecordAsync("VBD", rig.Vbd))["current_operations"]!.AsObject().Should().BeEmpty();
    }

    [Fact]
    public async Task Positions_are_named_as_Linux_does()
    {
        var rig = await VbdRig.CreateAsync(server);
        foreach (var (device, name) in new[] { ("25", "xvdz"), ("26", "xvdaa"), ("254", "xvdiu"), ("hdd", "xvdd") })
        {
            var vbd = await rig.Api.TextAsync("VBD.create", Records.Vbd(rig.Vm, await rig.Disks.CreateAsync(Records.MiB), device));
            await rig.Api.CallAsync("VBD.plug", vbd);
            (await rig.Api.TextAsync("VBD.get_device", vbd)).Should().Be(name);
        }
    }

    [Fact]
    [SeesEffectOf("VBD.create", "VBD.destroy", "VBD.set_mode")]
    public async Task A_mode_is_changed_while_the_VM_is_off()
    {
        var rig = await VbdRig.CreateAsync(server, "Halted");
        await rig.Api.CallAsync("VBD.set_mode", rig.Vbd, "RO");
        (await rig.Api.TextAsync("VBD.get_mode", rig.Vbd)).Should().Be("RO");
        rig.Set(rig.Vm, "power_state", "Running");
        (await rig.Api.ErrorAsync("VBD.set_mode", rig.Vbd, "RW")).Should().Equal("VM_BAD_POWER_STATE", rig.Vm, "halted", "running");
        (await rig.Api.ListAsync("VDI.get_VBDs", rig.Vdi)).Should().Equal(rig.Vbd);
        await rig.Api.CallAsync("VBD.destroy", rig.Vbd);
        (await rig.Api.ListAsync("VDI.get_VBDs", rig.Vdi)).Should().BeEmpty();
        (await rig.Api.ErrorAsync("VBD.get_mode", rig.Vbd)).Should().Equal("HANDLE_INVALID", "VBD", rig.Vbd);
    }
}
