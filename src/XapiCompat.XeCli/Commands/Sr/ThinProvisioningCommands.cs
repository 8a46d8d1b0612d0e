namespace XapiCompat.XeCli.Commands.Sr;

/// <summary>Space of SRs of logical volumes.</summary>
public static class ThinProvisioningCommands
{
    [XeCommand("lvhd-enable-thin-provisioning")]
    public static Task EnableAsync(XeCall call)
    {
        var allocation = call.Parameters.Size("initial-allocation");
        var quantum = call.Parameters.Size("allocation-quantum");
        return Selecting.Selectors.ForEachHostAsync(call, async host => await call.Api.CallAsync(
            "LVHD.enable_thin_provisioning", host.Reference, await call.RefAsync("SR", "sr-uuid"), allocation, quantum));
    }
}
