namespace XapiCompat.XeCli.Commands.Host;

/// <summary>Hosts that are gone.</summary>
public static class HostRemovalCommands
{
    [XeCommand("host-forget")]
    public static Task ForgetAsync(XeCall call) => WithCareAsync(
        call, "host.destroy",
        "WARNING: Forget a host only when it cannot be repaired; one that works leaves with pool-eject.",
        "WARNING: A forgotten host must be installed anew. This cannot be undone.");

    [XeCommand("host-declare-dead")]
    public static Task DeclareDeadAsync(XeCall call) => WithCareAsync(
        call, "host.declare_dead",
        "WARNING: Declare a host dead only when it is certainly off.",
        "WARNING: If it still runs VMs, their disks can be damaged.");

    private static async Task WithCareAsync(XeCall call, string message, params string[] warnings)
    {
        var host = await call.RefAsync("host");
        if (!call.Parameters.Flag("force"))
        {
            foreach (var warning in warnings)
                await call.Terminal.PrintAsync(warning);
            if (!await call.ConfirmAsync())
                return;
        }

        await call.Api.CallAsync(message, host);
    }
}
