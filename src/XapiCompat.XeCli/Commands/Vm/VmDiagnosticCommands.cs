namespace XapiCompat.XeCli.Commands.Vm;

/// <summary>All that could keep a VM from starting.</summary>
public static class VmDiagnosticCommands
{
    [XeCommand("diagnostic-vm-status")]
    public static async Task ShowAsync(XeCall call)
    {
        var vm = await call.RefAsync("VM");
        await call.PrintRecordAsync("vm", vm, "uuid", "name-label", "power-state", "possible-hosts");
        await call.Printer.ItemAsync("Checking to see whether disks are attachable");
        foreach (var vbd in await call.Api.ListAsync("VM.get_VBDs", vm))
            await call.PrintRecordAsync("vbd", vbd, "uuid", "userdevice", "device", "vdi-uuid", "empty", "mode", "type", "storage-lock", "attachable");
        await call.Printer.ItemAsync("Checking to see whether VM can boot on each host");
        await HostReport.PrintAsync(call, vm);
        var reason = await HostReport.ReasonAsync(call, "VM.assert_agile", vm);
        await call.Printer.ItemAsync(reason is null ? "VM is agile." : "VM is not agile because: " + reason);
    }
}
