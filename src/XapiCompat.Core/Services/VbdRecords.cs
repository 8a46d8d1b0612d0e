using XapiCompat.Core.Operations;
using XapiCompat.Store;
using XapiCompat.Values;

namespace XapiCompat.Core.Services;

/// <summary>What attaching, detaching, inserting and ejecting change in the records.</summary>
public static class VbdRecords
{
    /// <summary>The VM has the disk from now on, under the Linux name of its position. The rules have been asked.</summary>
    public static void Attach(UnitOfWork unit, string vbd)
    {
        unit.Set(vbd, "currently_attached", true);
        unit.Set(vbd, "reserved", false);
        if (DevicePosition.Parse(unit.Find(vbd)!.Text("userdevice")) is { } position)
            unit.Set(vbd, "device", DevicePosition.Name(position));
    }

    /// <summary>The device keeps its last name.</summary>
    public static void Detach(UnitOfWork unit, string vbd)
    {
        unit.Set(vbd, "currently_attached", false);
        unit.Set(vbd, "reserved", false);
    }

    /// <summary>Detaches all of a VM and clears what runs on them, as going Halted does.</summary>
    public static void DetachAll(UnitOfWork unit, Record vm)
    {
        foreach (var vbd in vm.Set("VBDs").Where(v => unit.Find(v) is not null).ToList())
        {
            Detach(unit, vbd);
            unit.Set(vbd, "current_operations", XenStruct.Empty);
        }
    }

    public static void Insert(UnitOfWork unit, string vbd, string vdi)
    {
        unit.Set(vbd, "VDI", vdi);
        unit.Set(vbd, "empty", false);
    }

    public static void Eject(UnitOfWork unit, string vbd)
    {
        unit.Set(vbd, "VDI", Ref.Null.Text);
        unit.Set(vbd, "empty", true);
    }
}
