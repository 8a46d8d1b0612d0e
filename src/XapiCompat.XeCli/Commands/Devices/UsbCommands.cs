using XapiCompat.Values;

namespace XapiCompat.XeCli.Commands.Devices;

/// <summary>USB devices and the VMs that have them.</summary>
public static class UsbCommands
{
    [XeCommand("pusb-scan")]
    public static async Task ScanAsync(XeCall call) => await call.Api.CallAsync("PUSB.scan", await call.RefAsync("host", "host-uuid"));

    [XeCommand("vusb-create")]
    public static async Task CreateAsync(XeCall call)
    {
        var vm = await call.RefAsync("VM", "vm-uuid");
        await call.CreateAsync("VUSB.create", vm, await call.RefAsync("USB_group", "usb-group-uuid"), XenStruct.Empty);
    }

    [XeCommand("vusb-unplug")]
    public static Task UnplugAsync(XeCall call) => call.ActAsync("VUSB.unplug");

    [XeCommand("vusb-destroy")]
    public static Task DestroyAsync(XeCall call) => call.ActAsync("VUSB.destroy");
}
