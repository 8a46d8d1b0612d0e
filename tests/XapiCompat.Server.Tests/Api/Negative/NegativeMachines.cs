using XapiCompat.Server.Tests.Api.Lifecycle;
using XapiCompat.Server.Tests.Support;
using XapiCompat.Values;

namespace XapiCompat.Server.Tests.Api.Negative;

/// <summary>VMs and their devices, in every state that the tables name.</summary>
internal sealed class NegativeMachines(NegativeWorld world, DiskClient disks)
{
    private XenClient Api => disks.Api;

    public async Task MakeAsync()
    {
        world.Call("network", (await Api.ListAsync("network.get_all_where", "field \"bridge\" = \"xenbr0\""))[0]);
        world.Call("dom0", (await Api.ListAsync("VM.get_all_where", "field \"is_control_domain\" = \"true\""))[0]);
        world.Call("default", (await Api.ListAsync("VM.get_by_name_label", "Other install media"))[0]);
        await MakeEquippedAsync("halted");
        await MakeEquippedAsync("running");
        await Api.StartVmAsync(world["running"]);
        await MakeEquippedAsync("paused");
        await Api.StartVmAsync(world["paused"], paused: true);
        // Its saved memory is read more than once.
        const long Memory = 32 * Records.MiB;
        await MakeEquippedAsync(
            "suspended", ("memory_static_min", Memory), ("memory_dynamic_min", Memory), ("memory_dynamic_max", Memory), ("memory_static_max", Memory));
        await Api.StartVmAsync(world["suspended"]);
        await Api.CallAsync("VM.suspend", world["suspended"]);
        await MakeEquippedAsync("bare", ("other_config", JsonArguments.Map((Machines.ToolsKey, "false"))));
        await Api.StartVmAsync(world["bare"]);
        await MakeEquippedAsync("leaving");
        await Api.StartVmAsync(world["leaving"]);
        foreach (var vm in (string[])["running", "bare", "leaving"])
            await MakeSparesAsync(vm);
        world.Run(world["leaving"], "suspend");
        await MakeKindsAsync();
        await MakeSpecialAsync();
        await MakeBusyDevicesAsync();
    }

    /// <summary>A disk, one that may not be unplugged, a full and an empty drive, and an interface.</summary>
    private async Task MakeEquippedAsync(string name, params (string Name, object? Value)[] other)
    {
        var vm = world.Call(name, await Api.CreateVmAsync(name, other));
        await ConnectAsync(name + "_vbd", vm, world.Call(name + "_disk", await disks.CreateAsync(2 * Records.MiB, name)), ("unpluggable", true));
        await ConnectAsync(name + "_fixed", vm, await disks.CreateAsync(2 * Records.MiB, name), ("unpluggable", false));
        await ConnectAsync(name + "_full", vm, world["image"], ("type", "CD"), ("mode", "RO"), ("unpluggable", true));
        await ConnectAsync(name + "_empty", vm, Records.Null, ("type", "CD"), ("mode", "RO"), ("empty", true), ("unpluggable", true));
        world.Call(name + "_vif", await Api.TextAsync("VIF.create", Records.Vif(vm, world["network"], "0")));
    }

    /// <summary>Devices that came after the start, and are not plugged.</summary>
    private async Task MakeSparesAsync(string name)
    {
        var vm = world[name];
        await ConnectAsync(name + "_spare", vm, await disks.CreateAsync(2 * Records.MiB, name + " spare"), ("unpluggable", true));
        await ConnectAsync(name + "_spare_cd", vm, world["other_image"], ("type", "CD"), ("mode", "RO"), ("unpluggable", true));
        await ConnectAsync(name + "_stolen", vm, world["paused_disk"], ("unpluggable", true));
        await ConnectAsync(name + "_base", vm, world["small"], ("unpluggable", true));
        world.Set(world[name + "_base"], "VDI", world["base"]);
        await ConnectAsync(name + "_readonly", vm, world["readonly"], ("mode", "RO"), ("unpluggable", true));
        world.Set(world[name + "_readonly"], "mode", "RW");
        world.Call(name + "_spare_vif", await Api.TextAsync("VIF.create", Records.Vif(vm, world["network"], "1")));
    }

    private async Task MakeKindsAsync()
    {
        world.Call("template", await Api.CreateVmAsync("template"));
        await Api.CallAsync("VM.set_is_a_template", world["template"], true);
        world.Call("marked_template", await Api.CreateVmAsync("marked", ("other_config", JsonArguments.Map(("default_template", "true")))));
        await Api.CallAsync("VM.set_is_a_template", world["marked_template"], true);
        world.Call("snapshot", await Api.TextAsync("VM.snapshot", world["halted"], "snapshot"));
        world.Call("checkpoint", await Api.TextAsync("VM.checkpoint", world["suspended"], "checkpoint"));
        world.Call("dom0_vif", world.Insert("VIF", ("VM", world["dom0"]), ("network", world["network"]), ("device", "0")));
    }

    private async Task MakeSpecialAsync()
    {
        world.Call("blocked", await Api.CreateVmAsync("blocked"));
        foreach (var operation in (string[])["start", "start_on", "destroy", "clone", "copy", "snapshot", "make_into_template", "pause", "hard_shutdown", "changing_static_range"])
            await Api.CallAsync("VM.add_to_blocked_operations", world["blocked"], operation, "not now");
        world.Call("busy", await Api.CreateVmAsync("busy"));
        world.Run(world["busy"], "clone");
        world.Call("busy_running", await Api.CreateVmAsync("busy running"));
        await Api.StartVmAsync(world["busy_running"]);
        world.Run(world["busy_running"], "clean_reboot");

        world.Call("owner", await Api.CreateVmAsync("owner"));
        world.Call("vtpm", await Api.TextAsync("VTPM.create", world["owner"], false));
        world.Call("forgetful", await Api.CreateVmAsync("forgetful"));
        await ConnectAsync("forgetful_vbd", world["forgetful"], await disks.CreateAsync(2 * Records.MiB, "forgetful", ("sm_config", JsonArguments.Map(("on_boot", "reset")))));
        await Api.StartVmAsync(world["forgetful"]);
        world.Call("usb", await Api.CreateVmAsync("usb"));
        world.Insert("VUSB", ("VM", world["usb"]));
        foreach (var (name, @class, field) in (IEnumerable<(string, string, string)>)[("usb_running", "VUSB", "VM"), ("gpu_running", "VGPU", "VM"), ("pci_running", "PCI", "attached_VMs")])
        {
            world.Call(name, await Api.CreateVmAsync(name));
            await Api.StartVmAsync(world[name]);
            world.Insert(@class, (field, field == "VM" ? world[name] : XenArray.Of([world[name]])));
        }

        world.Call("appliance", await Api.TextAsync("VM_appliance.create", JsonArguments.Map(("name_label", "set"), ("name_description", ""))));
        world.Call("member", await Api.CreateVmAsync("member", ("appliance", world["appliance"])));
        world.Call("schedule", world.Insert("VMSS", ("name_label", "nightly")));
        world.Call("scheduled", await Api.CreateVmAsync("scheduled"));
        world.Set(world["scheduled"], "snapshot_schedule", world["schedule"]);
        world.Call("policy", world.Insert("VMPP", ("name_label", "weekly")));
        world.Call("policed", await Api.CreateVmAsync("policed"));
        world.Set(world["policed"], "protection_policy", world["policy"]);
        world.Call("lodger", await Api.CreateVmAsync("lodger"));
        await ConnectAsync("lodger_vbd", world["lodger"], world["plugged_disk"]);
        await Api.StartVmAsync(world["lodger"]);
        world.Call("marked_vm", await Api.CreateVmAsync("marked", ("other_config", JsonArguments.Map(("default_template", "true")))));
        world.Call("nested", await Api.CreateVmAsync("nested", ("platform", JsonArguments.Map(("nested-virt", "true")))));
    }

    private async Task MakeBusyDevicesAsync()
    {
        world.Call("holder", await Api.CreateVmAsync("holder"));
        await ConnectAsync("busy_vbd", world["holder"], await disks.CreateAsync(2 * Records.MiB, "held"));
        world.Run(world["busy_vbd"], "attach");
        await ConnectAsync("free_vbd", world["holder"], world["busydisk"]);
    }

    private async Task ConnectAsync(string name, string vm, string vdi, params (string Name, object? Value)[] other) =>
        world.Call(name, await Api.TextAsync("VBD.create", Records.Vbd(vm, vdi, "autodetect", other)));
}
