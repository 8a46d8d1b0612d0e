namespace XapiCompat.XeCli.Commands.Host;

/// <summary>How hosts are managed.</summary>
public static class HostNetworkCommands
{
    [XeCommand("host-management-reconfigure")]
    public static async Task ReconfigureAsync(XeCall call) =>
        await call.Api.CallAsync("host.management_reconfigure", await call.RefAsync("PIF", "pif-uuid"));

    [XeCommand("host-management-disable")]
    public static Task DisableAsync(XeCall call) => call.Api.CallAsync("host.management_disable");

    [XeCommand("host-signal-networking-change")]
    public static Task SignalChangeAsync(XeCall call) => call.Api.CallAsync("host.signal_networking_change");

    [XeCommand("host-emergency-management-reconfigure")]
    public static Task EmergencyReconfigureAsync(XeCall call) =>
        call.Api.CallAsync("host.local_management_reconfigure", call.Parameters.Required("interface"));
}
