using XapiCompat.Values;

namespace XapiCompat.XeCli.Commands.Vm;

/// <summary>Drives of VMs.</summary>
public static class Drives
{
    /// <summary>Makes a drive with a disk in it and plugs it; a VM that cannot take it now gets it at its next start.</summary>
    public static async Task AddDriveAsync(this XeCall call, string vm, string vdi, string device, string type, XenStruct otherConfig)
    {
        var vbd = await call.Api.TextAsync("VBD.create", XenStruct.Of(
            ("VM", vm), ("VDI", vdi), ("userdevice", device), ("bootable", false), ("mode", type == "CD" ? "RO" : "RW"), ("type", type),
            ("unpluggable", true), ("empty", false), ("qos_algorithm_type", ""), ("qos_algorithm_params", XenStruct.Empty), ("other_config", otherConfig)));
        try
        {
            await call.Api.CallAsync("VBD.plug", vbd);
        }
        catch (XenException)
        {
            // The VM does not run, or its guest takes no drives: the drive stays.
        }
    }

    /// <summary>References and records of a VM's drives, in the VM's order.</summary>
    public static async Task<IReadOnlyList<KeyValuePair<string, XenStruct>>> DrivesAsync(this XeCall call, string vm)
    {
        var drives = new List<KeyValuePair<string, XenStruct>>();
        foreach (var vbd in await call.Api.ListAsync("VM.get_VBDs", vm))
            drives.Add(KeyValuePair.Create(vbd, await call.Api.RecordAsync("VBD", vbd)));
        return drives;
    }
}
