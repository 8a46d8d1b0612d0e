using XapiCompat.XeCli.Selecting;

namespace XapiCompat.XeCli.Commands.Host;

/// <summary>Settings of hosts.</summary>
public static class HostSettingCommands
{
    [XeCommand("host-set-hostname-live")]
    public static async Task SetHostnameAsync(XeCall call) => await call.Api.CallAsync(
        "host.set_hostname_live", await call.RefAsync("host", "host-uuid"), call.Parameters.Required("host-name"));

    [XeCommand("host-enable-display")]
    public static async Task EnableDisplayAsync(XeCall call) => await call.Printer.LineAsync(Rows.Text(await call.ActAsync("host.enable_display")));

    [XeCommand("host-disable-display")]
    public static async Task DisableDisplayAsync(XeCall call) => await call.Printer.LineAsync(Rows.Text(await call.ActAsync("host.disable_display")));

    [XeCommand("host-enable-ssh")]
    public static Task EnableSshAsync(XeCall call) => call.ForEachHostAsync(host => call.Api.CallAsync("host.enable_ssh", host.Reference));

    [XeCommand("host-disable-ssh")]
    public static Task DisableSshAsync(XeCall call) => call.ForEachHostAsync(host => call.Api.CallAsync("host.disable_ssh", host.Reference));

    [XeCommand("host-enable-local-storage-caching")]
    public static Task EnableCachingAsync(XeCall call) => call.ForEachHostAsync(async host =>
        await call.Api.CallAsync("host.enable_local_storage_caching", host.Reference, await call.RefAsync("SR", "sr-uuid")));

    [XeCommand("host-disable-local-storage-caching")]
    public static Task DisableCachingAsync(XeCall call) =>
        call.ForEachHostAsync(host => call.Api.CallAsync("host.disable_local_storage_caching", host.Reference));

    [XeCommand("host-sync-data")]
    public static Task SyncDataAsync(XeCall call) => call.ForEachHostAsync(host => call.Api.CallAsync("host.sync_data", host.Reference));

    [XeCommand("host-send-debug-keys")]
    public static async Task SendDebugKeysAsync(XeCall call) =>
        await call.Api.CallAsync("host.send_debug_keys", await call.RefAsync("host", "host-uuid"), call.Parameters.Required("keys"));

    [XeCommand("host-refresh-pack-info")]
    public static async Task RefreshPackInfoAsync(XeCall call) =>
        await call.Api.CallAsync("host.refresh_pack_info", await call.RefAsync("host", "host-uuid"));
}
