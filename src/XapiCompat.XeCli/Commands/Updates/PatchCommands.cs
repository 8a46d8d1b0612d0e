namespace XapiCompat.XeCli.Commands.Updates;

/// <summary>Patches, the updates of long ago.</summary>
public static class PatchCommands
{
    [XeCommand("patch-apply")]
    public static async Task ApplyAsync(XeCall call) =>
        await call.Printer.ItemAsync(Rows.Text(await call.ActAsync("pool_patch.apply", await call.RefAsync("host", "host-uuid"))));

    [XeCommand("patch-precheck")]
    public static async Task PrecheckAsync(XeCall call) =>
        await call.Printer.ItemAsync(Rows.Text(await call.ActAsync("pool_patch.precheck", await call.RefAsync("host", "host-uuid"))));

    [XeCommand("patch-pool-apply")]
    public static Task PoolApplyAsync(XeCall call) => call.ActAsync("pool_patch.pool_apply");

    [XeCommand("patch-destroy")]
    public static Task DestroyAsync(XeCall call) => call.ActAsync("pool_patch.destroy");
}
