using XapiCompat.Values;

namespace XapiCompat.XeCli.Commands.Vm;

/// <summary>The drives of a VM, each with the disk in it.</summary>
/// <param name="kind">Type of the drives, <c>Disk</c> or <c>CD</c>; the headings start with it.</param>
public sealed class DiskListing(XeCall call, string kind)
{
    private readonly IReadOnlyList<string> _vbd = call.ColumnsOr(
        "vbd-params", kind == "CD" ? ["uuid", "vm-name-label", "userdevice", "empty"] : ["uuid", "vm-name-label", "userdevice"]);

    private readonly IReadOnlyList<string> _vdi = call.ColumnsOr("vdi-params", "uuid", "name-label", "virtual-size", "sr-name-label");

    public async Task PrintAsync(string vm)
    {
        var number = 0;
        foreach (var reference in await call.Api.ListAsync("VM.get_VBDs", vm))
        {
            var vbd = await call.Api.RecordAsync("VBD", reference);
            if (vbd["type"]!.ToString() != kind)
                continue;
            var heading = kind + " " + number++;
            await call.Printer.LineAsync(heading + " VBD:");
            await call.PrintRecordAsync("vbd", reference, _vbd);
            if (((XenBool)vbd["empty"]!).Flag)
                continue;
            await call.Printer.LineAsync(heading + " VDI:");
            await call.PrintRecordAsync("vdi", vbd["VDI"]!.ToString()!, _vdi);
        }
    }
}
