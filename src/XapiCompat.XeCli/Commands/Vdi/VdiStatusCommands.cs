using XapiCompat.XeCli.Records;

namespace XapiCompat.XeCli.Commands.Vdi;

/// <summary>A disk and the drives it is in.</summary>
public static class VdiStatusCommands
{
    private static readonly string[] DiskFields = ["uuid", "name-label", "sr-uuid", "mode", "read-only", "sharable", "storage-lock"];
    private static readonly string[] DriveFields = ["uuid", "userdevice", "device", "empty", "mode", "type", "storage-lock"];

    [XeCommand("diagnostic-vdi-status")]
    public static async Task ShowAsync(XeCall call)
    {
        var vdi = await call.RefAsync("VDI");
        await call.PrintTableAsync(await (await call.Records.GetAsync("vdi", vdi)).PrintAsync(DiskFields));
        List<XeRecord> active = [], inactive = [];
        foreach (var reference in await call.Api.ListAsync("VDI.get_VBDs", vdi))
        {
            var vbd = await call.Records.GetAsync("vbd", reference);
            (await vbd.TextAsync("currently-attached") == "true" ? active : inactive).Add(vbd);
        }

        await call.Printer.ItemAsync(active.Count == 0 ? "no active VBDs." : "active VBDs:");
        await PrintAsync(call, active);
        if (inactive.Count == 0)
            return;
        await call.Printer.ItemAsync("inactive VBDs:");
        await PrintAsync(call, inactive);
    }

    private static async Task PrintAsync(XeCall call, List<XeRecord> drives)
    {
        foreach (var drive in drives)
            await call.PrintTableAsync(await drive.PrintAsync(DriveFields));
    }
}
