namespace XapiCompat.XeCli.Commands.Devices;

/// <summary>PCI devices, which belong to the control domain or to VMs.</summary>
public static class PciCommands
{
    [XeCommand("pci-enable-dom0-access")]
    public static async Task EnableAsync(XeCall call) => await call.Printer.LineAsync(Rows.Text(await call.ActAsync("PCI.enable_dom0_access")));

    [XeCommand("pci-disable-dom0-access")]
    public static async Task DisableAsync(XeCall call) => await call.Printer.LineAsync(Rows.Text(await call.ActAsync("PCI.disable_dom0_access")));

    [XeCommand("pci-get-dom0-access-status")]
    public static async Task GetAsync(XeCall call) => await call.Printer.LineAsync(Rows.Text(await call.ActAsync("PCI.get_dom0_access_status")));
}
