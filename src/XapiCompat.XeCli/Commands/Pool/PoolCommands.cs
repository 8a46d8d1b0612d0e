using XapiCompat.Values;

namespace XapiCompat.XeCli.Commands.Pool;

/// <summary>The pool as a whole.</summary>
public static class PoolCommands
{
    private static readonly string[] FeatureKeys = ["features_pv_host", "features_hvm_host"];

    [XeCommand("pool-sync-database")]
    public static Task SyncDatabaseAsync(XeCall call) => call.Api.CallAsync("pool.sync_database");

    [XeCommand("pool-designate-new-master")]
    public static async Task DesignateAsync(XeCall call) =>
        await call.Api.CallAsync("pool.designate_new_master", await call.RefAsync("host", "host-uuid"));

    [XeCommand("pool-management-reconfigure")]
    public static async Task ReconfigureManagementAsync(XeCall call) =>
        await call.Api.CallAsync("pool.management_reconfigure", await call.RefAsync("network", "network-uuid"));

    [XeCommand("pool-set-vswitch-controller")]
    public static Task SetSwitchControllerAsync(XeCall call) =>
        call.Api.CallAsync("pool.set_vswitch_controller", call.Parameters.Required("address"));

    [XeCommand("pool-reset-telemetry-uuid")]
    public static Task ResetTelemetryAsync(XeCall call) => call.ActOnPoolAsync("pool.reset_telemetry_uuid");

    [XeCommand("pool-enable-ssh")]
    public static Task EnableSshAsync(XeCall call) => call.ActOnPoolAsync("pool.enable_ssh");

    [XeCommand("pool-disable-ssh")]
    public static Task DisableSshAsync(XeCall call) => call.ActOnPoolAsync("pool.disable_ssh");

    [XeCommand("pool-get-guest-secureboot-readiness")]
    public static async Task SecureBootAsync(XeCall call) =>
        await call.Printer.LineAsync(Rows.Text(await call.ActOnPoolAsync("pool.get_guest_secureboot_readiness")));

    [XeCommand("pool-get-cpu-features")]
    public static async Task CpuFeaturesAsync(XeCall call)
    {
        var info = Rows.Of((XenStruct)await call.ActOnPoolAsync("pool.get_cpu_info"));
        await call.PrintTableAsync([.. info.Where(r => FeatureKeys.Contains(r.Key)).OrderBy(r => Array.IndexOf(FeatureKeys, r.Key))]);
    }

    [XeCommand("pool-send-test-post")]
    public static async Task SendTestPostAsync(XeCall call) => await call.Printer.LineAsync(await call.Api.TextAsync(
        "pool.send_test_post", call.Parameters.Required("dest-host"), call.Parameters.Whole("dest-port", 0), call.Parameters.Required("body")));
}
