using FluentAssertions;
using XapiCompat.Server.Tests.Support;
using Xunit;

namespace XapiCompat.Server.Tests.Api.Semantics;

/// <summary>VMs and disks of which no snapshot, checkpoint or clone is made.</summary>
public sealed class VmRefusalTests(RunningServer server) : IClassFixture<RunningServer>
{
    [Fact]
    public async Task Devices_of_the_host_keep_a_VM_from_it()
    {
        var rig = await VmRig.CreateAsync(server);
        server.Host.Records.Commit(unit => unit.Set(rig.Vm, "power_state", "Paused"));
        var vusb = Insert("VUSB", ("VM", rig.Vm));
        (await rig.Api.ErrorAsync("VM.snapshot", rig.Vm, "no")).Should().Equal("VM_HAS_VUSBS", rig.Vm);
        (await rig.Api.ErrorAsync("VM.checkpoint", rig.Vm, "no")).Should().Equal("VM_HAS_VUSBS", rig.Vm);
        Delete(vusb);
        var vgpu = Insert("VGPU", ("VM", rig.Vm));
        (await rig.Api.ErrorAsync("VM.checkpoint", rig.Vm, "no")).Should().Equal("VM_HAS_VGPU", rig.Vm);
        await rig.SnapshotAsync("a plain one may");
        Delete(vgpu);
        var pci = Insert("PCI", ("attached_VMs", Values.XenArray.Of([rig.Vm])));
        (await rig.Api.ErrorAsync("VM.checkpoint", rig.Vm, "no")).Should().Equal("VM_HAS_PCI_ATTACHED", rig.Vm);
        await rig.SnapshotAsync("a plain one may");
        Delete(pci);
        await rig.Api.CallAsync("VM.checkpoint", rig.Vm, "now it goes");
    }

    [Fact]
    public async Task A_disk_that_forgets_at_boot_keeps_its_VM_from_it()
    {
        var rig = await VmRig.CreateAsync(server);
        var vdi = (await rig.DisksAsync())["1"];
        await rig.Api.CallAsync("VDI.add_to_sm_config", vdi, "on_boot", "reset");
        (await rig.Api.ErrorAsync("VM.snapshot", rig.Vm, "no")).Should().Equal("VDI_ON_BOOT_MODE_INCOMPATIBLE_WITH_OPERATION");
        await rig.Api.CallAsync("VM.clone", rig.Vm, "a clone may");
        await rig.Api.CallAsync("VDI.remove_from_sm_config", vdi, "on_boot");
        await rig.SnapshotAsync();
    }

    [Fact]
    public async Task Templates_and_snapshots_are_told_apart()
    {
        var rig = await VmRig.CreateAsync(server);
        var snapshot = await rig.SnapshotAsync();
        foreach (var (message, operation) in (IEnumerable<(string, string)>)[("VM.snapshot", "snapshot"), ("VM.checkpoint", "checkpoint")])
        {
            var error = await rig.Api.ErrorAsync(message, snapshot, "no");
            error.Should().Equal(operation == "checkpoint" ? ["VM_BAD_POWER_STATE", snapshot, "paused, suspended, running", "halted"] : ["VM_IS_SNAPSHOT", snapshot, operation]);
        }

        var template = (await rig.Api.ListAsync("VM.get_by_name_label", "Other install media"))[0];
        (await rig.Api.ErrorAsync("VM.revert", template)).Should().Equal("VM_IS_TEMPLATE", template, "revert");
        (await rig.Api.ErrorAsync("VM.csvm", rig.Vm)).Should().Equal("VM_BAD_POWER_STATE", rig.Vm, "suspended", "halted");
        (await rig.Api.ErrorAsync("VM.provision", rig.Vm)).Should().Equal("PROVISION_ONLY_ALLOWED_ON_TEMPLATE");
        foreach (var message in (string[])["VM.snapshot", "VM.checkpoint", "VM.clone"])
            (await rig.Api.ErrorAsync(message, SampleValues.Nowhere, "no")).Should().Equal("HANDLE_INVALID", "VM", SampleValues.Nowhere);
        foreach (var message in (string[])["VM.revert", "VM.csvm", "VM.provision"])
            (await rig.Api.ErrorAsync(message, SampleValues.Nowhere)).Should().Equal("HANDLE_INVALID", "VM", SampleValues.Nowhere);
    }

    [Fact]
    public async Task Drives_of_the_host_hold_no_disks_of_ours()
    {
        var disks = await DiskClient.LoginAsync(server);
        var dvd = (await disks.Api.ListAsync("SR.get_all_where", "field \"type\" = \"udev\""))[0];
        var vdi = Insert("VDI", ("SR", dvd), ("managed", true), ("location", "/dev/sr0"), ("virtual_size", 1));
        foreach (var message in (string[])["VDI.destroy", "VDI.snapshot", "VDI.clone"])
            (await disks.Api.ErrorAsync(message, vdi)).Should().Equal("SR_OPERATION_NOT_SUPPORTED", dvd);
        server.Host.Records.Commit(unit =>
        {
            var manager = unit.All(unit.Model.Class("SM")).First(m => m.Text("type") == "udev");
            unit.Set(manager.Reference, "features", manager.Map("features").With("VDI_DELETE", 1));
        });
        (await disks.Api.ErrorAsync("VDI.destroy", vdi)).Should().Equal("VDI_IS_A_PHYSICAL_DEVICE", vdi);
    }

    private string Insert(string @class, params (string Field, Values.XenValue Value)[] fields)
    {
        var reference = "OpaqueRef:" + Guid.NewGuid();
        server.Host.Records.Commit(unit => unit.Insert(unit.Model.Class(@class), reference, [("uuid", Guid.NewGuid().ToString()), .. fields]));
        return reference;
    }

    private void Delete(string reference) => server.Host.Records.Commit(unit => unit.Delete(reference));
}
