using XapiCompat.XeCli.Selecting;

namespace XapiCompat.XeCli.Commands.Host;

/// <summary>Hosts taken out of service and back.</summary>
public static class HostPowerCommands
{
    [XeCommand("host-disable")]
    public static Task DisableAsync(XeCall call)
    {
        var enable = call.Parameters.Flag("auto-enable", otherwise: true);
        return call.ForEachHostAsync(host => call.Api.CallAsync("host.disable", host.Reference, enable));
    }

    /// <summary>A management program's mark goes too: it would disable the host again.</summary>
    [XeCommand("host-enable")]
    public static Task EnableAsync(XeCall call) => call.ForEachHostAsync(async host =>
    {
        await call.Api.CallAsync("host.remove_from_other_config", host.Reference, "MAINTENANCE_MODE");
        await call.Api.CallAsync("host.enable", host.Reference);
    });

    [XeCommand("host-shutdown")]
    public static Task ShutdownAsync(XeCall call) => call.ForEachHostAsync(host => call.Api.CallAsync("host.shutdown", host.Reference));

    [XeCommand("host-reboot")]
    public static Task RebootAsync(XeCall call) => call.ForEachHostAsync(host => call.Api.CallAsync("host.reboot", host.Reference));

    [XeCommand("host-power-on")]
    public static Task PowerOnAsync(XeCall call) => call.ForEachHostAsync(host => call.Api.CallAsync("host.power_on", host.Reference));

    [XeCommand("host-set-power-on-mode")]
    public static Task SetPowerOnModeAsync(XeCall call) => call.ForEachHostAsync(host => call.Api.CallAsync(
        "host.set_power_on_mode", host.Reference, call.Parameters.Required("power-on-mode"), call.Parameters.Struct("power-on-config")));

    [XeCommand("host-evacuate")]
    public static async Task EvacuateAsync(XeCall call)
    {
        var network = await call.RefOrNullAsync("network", "network-uuid");
        var batch = call.Parameters.Whole("batch-size", 0);
        await call.ForEachHostAsync(host => call.Api.CallAsync("host.evacuate", host.Reference, network, batch), onlyOne: true);
    }

    [XeCommand("host-shutdown-agent")]
    public static Task ShutdownAgentAsync(XeCall call) => call.Api.CallAsync("host.shutdown_agent");
}
