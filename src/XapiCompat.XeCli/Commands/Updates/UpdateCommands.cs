using XapiCompat.XeCli.Selecting;

namespace XapiCompat.XeCli.Commands.Updates;

/// <summary>Updates on disks.</summary>
public static class UpdateCommands
{
    [XeCommand("update-introduce")]
    public static async Task IntroduceAsync(XeCall call) => await call.CreateAsync("pool_update.introduce", await call.RefAsync("VDI", "vdi-uuid"));

    [XeCommand("update-precheck")]
    public static async Task PrecheckAsync(XeCall call)
    {
        var results = new List<string>();
        await call.ForEachHostAsync(async host => results.Add(await call.Api.TextAsync("pool_update.precheck", await call.RefAsync("pool_update"), host.Reference)));
        await call.Printer.ItemsAsync(results.Select(Verdict));
    }

    [XeCommand("update-apply")]
    public static Task ApplyAsync(XeCall call) =>
        call.ForEachHostAsync(async host => await call.Api.CallAsync("pool_update.apply", await call.RefAsync("pool_update"), host.Reference));

    [XeCommand("update-pool-apply")]
    public static Task PoolApplyAsync(XeCall call) => call.ActAsync("pool_update.pool_apply");

    [XeCommand("update-destroy")]
    public static Task DestroyAsync(XeCall call) => call.ActAsync("pool_update.destroy");

    [XeCommand("host-apply-updates")]
    public static Task ApplyDownloadedAsync(XeCall call) => call.ForEachHostAsync(async host =>
    {
        var warnings = await call.Api.CallAsync("host.apply_updates", host.Reference, call.Parameters.Required("hash"));
        foreach (var warning in Rows.Items(warnings))
            await call.Printer.LineAsync(warning);
    }, onlyOne: true);

    private static string Verdict(string status) => status switch
    {
        "ok" => "Ok.",
        "ok_livepatch_complete" => "Ok: no restart is needed.",
        "ok_livepatch_incomplete" => "Ok: a restart is needed.",
        _ => status,
    };
}
