using XapiCompat.Core.Networking;
using XapiCompat.Core.Operations;
using XapiCompat.Store;
using XapiCompat.Values;

namespace XapiCompat.Core.Services;

/// <summary>All devices of a VM as its domain comes and goes.</summary>
public static class DeviceAttachment
{
    private static readonly string[] Others = ["VIFs", "VUSBs", "VGPUs"];

    /// <summary>The VM's domain starts.</summary>
    public static void AttachAll(UnitOfWork unit, Record vm)
    {
        foreach (var vbd in Devices(unit, vm, "VBDs").Where(v => VbdFacts.AttachesAtStart(vm, v)))
            VbdRecords.Attach(unit, vbd.Reference);
        NetworkAttach.AtStart(unit, vm);
        foreach (var device in Others.SelectMany(kind => Devices(unit, vm, kind)))
            unit.Set(device.Reference, "currently_attached", true);
    }

    /// <summary>The VM is Halted; whatever ran on its devices is over.</summary>
    public static void DetachAll(UnitOfWork unit, Record vm)
    {
        VbdRecords.DetachAll(unit, vm);
        NetworkAttach.DetachVm(unit, vm);
        foreach (var device in Others.SelectMany(kind => Devices(unit, vm, kind)))
        {
            unit.Set(device.Reference, "currently_attached", false);
            if (device.Class.Find("current_operations") is not null)
                unit.Set(device.Reference, "current_operations", XenStruct.Empty);
            if (device.Class.Find("reserved") is not null)
                unit.Set(device.Reference, "reserved", false);
        }
    }

    private static List<Record> Devices(UnitOfWork unit, Record vm, string field) => [.. vm.Set(field).Select(unit.Find).OfType<Record>()];
}
