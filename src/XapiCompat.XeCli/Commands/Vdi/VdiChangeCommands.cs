namespace XapiCompat.XeCli.Commands.Vdi;

/// <summary>Track of changed blocks.</summary>
public static class VdiChangeCommands
{
    [XeCommand("vdi-enable-cbt")]
    public static Task EnableAsync(XeCall call) => call.ActAsync("VDI.enable_cbt");

    [XeCommand("vdi-disable-cbt")]
    public static Task DisableAsync(XeCall call) => call.ActAsync("VDI.disable_cbt");

    [XeCommand("vdi-data-destroy")]
    public static Task DataDestroyAsync(XeCall call) => call.ActAsync("VDI.data_destroy");

    /// <summary>Prints past the printer: the bitmap is there with --minimal too.</summary>
    [XeCommand("vdi-list-changed-blocks")]
    public static async Task ListAsync(XeCall call)
    {
        var from = await call.RefAsync("VDI", "vdi-from-uuid");
        var to = await call.RefAsync("VDI", "vdi-to-uuid");
        await call.Terminal.PrintAsync(await call.Api.TextAsync("VDI.list_changed_blocks", from, to));
    }
}
