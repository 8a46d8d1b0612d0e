using XapiCompat.Values;

namespace XapiCompat.XeCli.Commands.Pool;

/// <summary>Hosts that come and go.</summary>
public static class PoolMemberCommands
{
    [XeCommand("pool-join")]
    public static async Task JoinAsync(XeCall call)
    {
        var p = call.Parameters;
        try
        {
            await call.Api.CallAsync(
                p.Flag("force") ? "pool.join_force" : "pool.join", p.Required("master-address"), p.Required("master-username"),
                p.Required("master-password"));
        }
        catch (XenException e) when (e.Failure.Code == "JOINING_HOST_CONNECTION_FAILED")
        {
            await call.Printer.ItemsAsync(["The host that was named did not answer.", "Check that it runs and that this host can reach it."]);
            return;
        }

        await call.Printer.ItemAsync("This host restarts its agent and tries to join the pool.");
    }

    [XeCommand("pool-eject")]
    public static async Task EjectAsync(XeCall call)
    {
        var host = await call.RefAsync("host", "host-uuid");
        if (!call.Parameters.Flag("force"))
        {
            await call.Terminal.PrintAsync("WARNING: A host that leaves the pool loses all data on its local SRs.");
            var disks = await LocalDisksAsync(call, host);
            if (disks.Count > 0)
                await call.Terminal.PrintAsync("These disks will be destroyed:");
            foreach (var disk in disks)
                await call.Terminal.PrintAsync("VDI: " + disk);
            if (!await call.ConfirmAsync())
                return;
        }

        await call.Api.CallAsync("pool.eject", host);
        await call.Printer.ItemAsync("The host leaves and starts again as the coordinator of a pool of its own.");
    }

    [XeCommand("pool-recover-slaves")]
    public static async Task RecoverAsync(XeCall call)
    {
        var uuids = new List<string>();
        foreach (var host in await call.Api.ListAsync("pool.recover_slaves"))
            uuids.Add(await call.Api.UuidAsync("host", host));
        await call.Printer.ItemsAsync(uuids);
    }

    [XeCommand("pool-emergency-reset-master")]
    public static async Task ResetCoordinatorAsync(XeCall call)
    {
        var address = call.Parameters.Required("master-address");
        await call.Api.CallAsync("pool.emergency_reset_master", address);
        await call.Printer.ItemAsync("This host restarts its agent and becomes a member of the pool of " + address + ".");
    }

    [XeCommand("pool-emergency-transition-to-master")]
    public static async Task BecomeCoordinatorAsync(XeCall call)
    {
        var host = await call.Api.TextAsync("session.get_this_host", call.Api.Session);
        if (!call.Parameters.Flag("force") && host == await call.CoordinatorAsync())
        {
            await call.Printer.ItemAsync("This host is the coordinator already. Add --force to go on nevertheless.");
            return;
        }

        await call.Api.CallAsync("pool.emergency_transition_to_master");
        await call.Printer.ItemAsync("This host restarts its agent and becomes the coordinator.");
    }

    /// <summary>Disks on SRs that no other host is connected to.</summary>
    private static async Task<List<string>> LocalDisksAsync(XeCall call, string host)
    {
        var disks = new List<string>();
        foreach (var pbd in await call.Api.ListAsync("host.get_PBDs", host))
        {
            var sr = await call.Api.TextAsync("PBD.get_SR", pbd);
            if ((await call.Api.ListAsync("SR.get_PBDs", sr)).Count > 1)
                continue;
            foreach (var vdi in await call.Api.ListAsync("SR.get_VDIs", sr))
                disks.Add(await call.TitleAsync("VDI", vdi));
        }

        return disks;
    }
}
