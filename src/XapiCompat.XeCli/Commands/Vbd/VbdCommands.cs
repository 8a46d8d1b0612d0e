using XapiCompat.Values;

namespace XapiCompat.XeCli.Commands.Vbd;

/// <summary>Drives of VMs, and what is in them.</summary>
public static class VbdCommands
{
    [XeCommand("vbd-create")]
    public static async Task CreateAsync(XeCall call)
    {
        var p = call.Parameters;
        var vm = await call.RefAsync("VM", "vm-uuid");
        var empty = !p.Has("vdi-uuid");
        var vdi = await call.RefOrNullAsync("VDI", "vdi-uuid");
        var bootable = p.Flag("bootable");
        var mode = p.Text("mode", "RW").ToUpperInvariant();
        if (mode is not ("RO" or "RW"))
            throw new XeException("Unknown mode: " + p.Text("mode") + " (should be \"ro\" or \"rw\")");
        var type = Type(p.Text("type", "Disk"));
        var unpluggable = p.Flag("unpluggable", otherwise: true);
        if (empty && type == "Disk")
            throw new XeException("Empty VBDs can only be made for type=CD");
        await call.CreateAsync("VBD.create", XenStruct.Of(
            ("VM", vm), ("VDI", vdi), ("userdevice", p.Required("device")), ("bootable", bootable), ("mode", mode), ("type", type),
            ("unpluggable", unpluggable), ("empty", empty), ("other_config", XenStruct.Empty), ("qos_algorithm_type", ""),
            ("qos_algorithm_params", XenStruct.Empty), ("device", ""), ("currently_attached", false)));
    }

    [XeCommand("vbd-destroy")]
    public static Task DestroyAsync(XeCall call) => call.ActAsync("VBD.destroy");

    [XeCommand("vbd-eject")]
    public static Task EjectAsync(XeCall call) => call.ActAsync("VBD.eject");

    [XeCommand("vbd-insert")]
    public static async Task InsertAsync(XeCall call)
    {
        var vbd = await call.RefAsync("VBD");
        await call.Api.CallAsync("VBD.insert", vbd, await call.RefAsync("VDI", "vdi-uuid"));
    }

    private static string Type(string text) => text.ToUpperInvariant() switch
    {
        "CD" => "CD",
        "DISK" => "Disk",
        "FLOPPY" => "Floppy",
        _ => throw new XeException("Unknown type: " + text.ToLowerInvariant() + " (should be \"cd\", \"disk\" or \"floppy\")"),
    };
}
