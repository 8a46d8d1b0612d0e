using XapiCompat.Store;
using XapiCompat.Values;

namespace XapiCompat.Core.Operations;

/// <summary>
/// Which operations a VBD allows; see <see cref="VdiOperations"/>. The start of a VM asks for <c>attach</c> of each of its
/// VBDs that <see cref="VbdFacts.AttachesAtStart"/>.
/// </summary>
public static class VbdOperations
{
    private static readonly string[] Listed = ["attach", "eject", "insert", "plug", "unplug", "unplug_force", "pause", "unpause"];

    public static IEnumerable<string> Allowed(IRecords records, Record vbd) => Listed.Where(o => Check(records, vbd, o) is null);

    /// <summary>Null when the operation may start now. OTHER_OPERATION_IN_PROGRESS means: wait and ask again.</summary>
    public static XenFailure? Check(IRecords records, Record vbd, string operation)
    {
        var vm = records.Find(vbd.Target("VM"));
        return CheckConcurrency(vbd, operation)
            ?? CheckDrive(vbd, operation)
            ?? CheckMachine(vbd, vm, operation)
            ?? CheckGuest(records, vbd, vm, operation)
            ?? (vbd.Flag("empty") || records.Find(vbd.Target("VDI")) is not { } vdi ? null : CheckDisk(records, vbd, vm, vdi, operation));
    }

    /// <summary>As <see cref="Check"/> of <c>insert</c>, and the disk that is to go in.</summary>
    public static XenFailure? CheckInsert(IRecords records, Record vbd, Record vdi)
    {
        if (Check(records, vbd, "insert") is { } failure)
            return failure;
        return vdi.Flag("managed")
            ? CheckDisk(records, vbd, records.Find(vbd.Target("VM")), vdi, "insert")
            : new("VDI_NOT_MANAGED", vdi.Reference);
    }

    private static XenFailure? CheckConcurrency(Record vbd, string operation)
    {
        var current = vbd.Map("current_operations");
        if (current.Count == 0)
            return null;
        var running = current.Values.Select(v => v.ToString()!).ToList();
        var blocked = operation switch
        {
            "pause" => running.Any(o => o is not ("pause" or "unpause")),
            "unpause" => running.Any(o => o is not ("attach" or "pause" or "unpause")),
            _ => true,
        };
        return blocked ? new("OTHER_OPERATION_IN_PROGRESS", "VBD", vbd.Reference, running[0], current.Names[0]) : null;
    }

    private static XenFailure? CheckDrive(Record vbd, string operation)
    {
        if (operation is "unplug" or "unplug_force" && !vbd.Flag("unpluggable"))
            return new("VBD_NOT_UNPLUGGABLE", vbd.Reference);
        if (operation is not ("insert" or "eject"))
            return null;
        if (vbd.Text("type") != "CD")
            return new("VBD_NOT_REMOVABLE_MEDIA", vbd.Reference);
        if (vbd.Flag("empty"))
            return operation == "eject" ? new("VBD_IS_EMPTY", vbd.Reference) : null;
        return operation == "insert" ? new("VBD_NOT_EMPTY", vbd.Reference) : null;
    }

    private static XenFailure? CheckMachine(Record vbd, Record? vm, string operation)
    {
        if (operation is not ("plug" or "unplug" or "unplug_force" or "pause" or "unpause"))
            return null;
        var state = vm?.Text("power_state") ?? "Halted";
        if (state != "Running")
        {
            return state == "Paused" && operation is "pause" or "unpause"
                ? null
                : new("VM_BAD_POWER_STATE", vbd.Target("VM"), "running", state.ToLowerInvariant());
        }

        if (operation is "pause" or "unpause")
            return null;
        var plugged = VbdFacts.IsActive(vbd);
        if (operation == "plug" && plugged)
            return new("DEVICE_ALREADY_ATTACHED", vbd.Reference);
        if (operation != "plug" && !plugged)
            return new("DEVICE_ALREADY_DETACHED", vbd.Reference);
        return operation == "unplug_force" ? null : CheckMachineStays(vm!);
    }

    private static XenFailure? CheckMachineStays(Record vm)
    {
        var going = vm.Map("current_operations").Values.Select(o => o.ToString()).FirstOrDefault(o => o is "clean_shutdown" or "hard_shutdown" or "suspend" or "pause");
        return going is null ? null : new("OPERATION_NOT_ALLOWED", "the VM " + vm.Reference + " is in the middle of " + going);
    }

    private static XenFailure? CheckGuest(IRecords records, Record vbd, Record? vm, string operation)
    {
        if (vm is null)
            return null;
        if (vbd.Text("type") == "CD" && operation is "insert" or "eject" && vm.Text("power_state") == "Suspended")
            return new("VM_BAD_POWER_STATE", vm.Reference, "halted, running", "suspended");
        if (operation is not ("plug" or "unplug" or "unplug_force") || !VbdFacts.IsHvm(vm))
            return null;
        var guest = records.Find(vm.Target("guest_metrics"));
        switch (guest?.Text("can_use_hotplug_vbd"))
        {
            case "yes":
                break;
            case "no":
                return new("OPERATION_NOT_ALLOWED", "the guest of VM " + vm.Reference + " takes no disks while it runs");
            default:
                if (guest?.Flag("PV_drivers_detected") != true)
                    return new("VM_MISSING_PV_DRIVERS", vm.Reference);
                break;
        }

        return vbd.Text("type") == "CD" ? new("OPERATION_NOT_ALLOWED", "CD drives of HVM guests stay; only their disks are inserted and ejected") : null;
    }

    private static XenFailure? CheckDisk(IRecords records, Record vbd, Record? vm, Record vdi, string operation)
    {
        if (!vdi.Flag("managed"))
            return new("VDI_NOT_MANAGED", vbd.Reference);
        if (operation is not ("attach" or "insert" or "plug"))
            return null;
        var current = vdi.Map("current_operations");
        for (var i = 0; i < current.Count; i++)
        {
            if (current.Values[i].ToString() is not ("mirror" or "copy") and var running)
                return new("OTHER_OPERATION_IN_PROGRESS", "VDI", vdi.Reference, running!, current.Names[i]);
        }

        // An empty drive that is attached has no disk attached yet.
        if (vbd.Flag("currently_attached") && !vbd.Flag("empty"))
            return null;
        var writes = vbd.Text("mode") == "RW";
        if (!vdi.Flag("sharable") && (vm is null || !VbdFacts.IsSystemDomain(vm)))
        {
            var others = vdi.Set("VBDs").Where(r => r != vbd.Reference).Select(records.Find).OfType<Record>().Where(o => VbdFacts.HoldsDisk(records, o));
            if (others.Any(o => writes || o.Text("mode") == "RW"))
                return new("VDI_IN_USE", vdi.Reference);
        }

        return writes && vdi.Flag("read_only") ? new("VDI_READONLY", vdi.Reference) : null;
    }
}
