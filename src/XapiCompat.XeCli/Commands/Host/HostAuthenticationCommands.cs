namespace XapiCompat.XeCli.Commands.Host;

/// <summary>External directories, for single hosts that must be mended; normally the pool is told.</summary>
public static class HostAuthenticationCommands
{
    [XeCommand("host-enable-external-auth")]
    public static async Task EnableAsync(XeCall call)
    {
        DemandForce(call);
        var p = call.Parameters;
        await call.Api.CallAsync(
            "host.enable_external_auth", await call.RefAsync("host", "host-uuid"), p.Struct("config"), p.Required("service-name"),
            p.Required("auth-type"));
    }

    [XeCommand("host-disable-external-auth")]
    public static async Task DisableAsync(XeCall call)
    {
        DemandForce(call);
        await call.Api.CallAsync("host.disable_external_auth", await call.RefAsync("host", "host-uuid"), call.Parameters.Struct("config"), true);
    }

    [XeCommand("host-external-auth-set-ldaps")]
    public static async Task SetLdapsAsync(XeCall call) => await call.Api.CallAsync(
        "host.external_auth_set_ldaps", await call.RefAsync("host", "host-uuid"), call.Parameters.Flag("ldaps"), call.Parameters.Flag("force"));

    private static void DemandForce(XeCall call)
    {
        if (!call.Parameters.Has("force"))
            throw new XeException("This is for a single host that lost the directory its pool uses. Add --force to do it.");
    }
}
