namespace XapiCompat.XeCli.Commands.Host;

/// <summary>For a host that lost its pool.</summary>
public static class HostEmergencyCommands
{
    [XeCommand("host-is-in-emergency-mode")]
    public static async Task IsInEmergencyModeAsync(XeCall call) =>
        await call.Printer.LineAsync(Rows.Text(await call.Api.CallAsync("host.is_in_emergency_mode")));

    [XeCommand("host-emergency-ha-disable")]
    public static Task DisableHaAsync(XeCall call)
    {
        var soft = call.Parameters.Flag("soft");
        call.DemandForce();
        return call.Api.CallAsync("host.emergency_ha_disable", soft);
    }

    [XeCommand("host-emergency-reset-server-certificate")]
    public static Task ResetCertificateAsync(XeCall call) => call.Api.CallAsync("host.emergency_reset_server_certificate");

    [XeCommand("host-emergency-disable-tls-verification")]
    public static Task DisableVerificationAsync(XeCall call) => call.Api.CallAsync("host.emergency_disable_tls_verification");

    [XeCommand("host-emergency-reenable-tls-verification")]
    public static Task ReenableVerificationAsync(XeCall call) => call.Api.CallAsync("host.emergency_reenable_tls_verification");

    [XeCommand("host-emergency-clear-mandatory-guidance")]
    public static Task ClearGuidanceAsync(XeCall call) => call.Api.CallAsync("host.emergency_clear_mandatory_guidance");
}
