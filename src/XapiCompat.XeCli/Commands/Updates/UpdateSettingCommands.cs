namespace XapiCompat.XeCli.Commands.Updates;

/// <summary>When and through what the pool downloads updates.</summary>
public static class UpdateSettingCommands
{
    [XeCommand("pool-configure-repository-proxy")]
    public static Task SetProxyAsync(XeCall call) => call.ActOnPoolAsync(
        "pool.configure_repository_proxy", call.Parameters.Required("proxy-url"), call.Parameters.Text("proxy-username"),
        call.Parameters.Text("proxy-password"));

    [XeCommand("pool-disable-repository-proxy")]
    public static Task DropProxyAsync(XeCall call) => call.ActOnPoolAsync("pool.disable_repository_proxy");

    [XeCommand("pool-configure-update-sync")]
    public static Task ScheduleAsync(XeCall call)
    {
        var frequency = Choice.Of(call.Parameters.Required("update-sync-frequency"), "daily", "weekly");
        return call.ActOnPoolAsync("pool.configure_update_sync", frequency, frequency == "daily" ? 0 : Day(call.Parameters.Required("update-sync-day")));
    }

    [XeCommand("pool-set-update-sync-enabled")]
    public static Task SetEnabledAsync(XeCall call) => call.ActOnPoolAsync("pool.set_update_sync_enabled", call.Parameters.Flag("value"));

    [XeCommand("pool-sync-updates")]
    public static async Task SyncAsync(XeCall call)
    {
        var p = call.Parameters;
        var hash = await call.ActOnPoolAsync(
            "pool.sync_updates", p.Flag("force"), p.Text("token"), p.Text("token-id"), p.Text("username"), p.Text("password"));
        await call.Printer.ItemAsync(Rows.Text(hash));
    }

    private static long Day(string text) => text is [>= '0' and <= '6']
        ? text[0] - '0'
        : throw new XeException("Invalid value for day picked, must be an integer from 0 to 6");
}
