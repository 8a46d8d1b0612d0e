using XapiCompat.Values;

namespace XapiCompat.XeCli.Commands.Network;

/// <summary>Tagged traffic; users know a VLAN by the uuid of its interface.</summary>
public static class VlanCommands
{
    [XeCommand("vlan-create")]
    public static async Task CreateAsync(XeCall call)
    {
        var network = await call.RefAsync("network", "network-uuid");
        var pif = await call.RefAsync("PIF", "pif-uuid");
        var vlan = await call.Api.TextAsync("VLAN.create", pif, Tag(call), network);
        await call.PrintUuidAsync("PIF", await call.Api.TextAsync("VLAN.get_untagged_PIF", vlan));
    }

    [XeCommand("pool-vlan-create")]
    public static async Task CreateInPoolAsync(XeCall call)
    {
        var network = await call.RefAsync("network", "network-uuid");
        var pif = await call.RefAsync("PIF", "pif-uuid");
        var uuids = new List<string>();
        foreach (var made in await call.Api.ListAsync("pool.create_VLAN_from_PIF", pif, network, Tag(call)))
            uuids.Add(await call.Api.UuidAsync("PIF", made));
        await call.Printer.ItemsAsync(uuids);
    }

    /// <summary>The uuid may be that of the VLAN or that of its interface.</summary>
    [XeCommand("vlan-destroy")]
    public static async Task DestroyAsync(XeCall call)
    {
        try
        {
            await call.ActAsync("VLAN.destroy");
        }
        catch (XenException e) when (e.Failure.Code == "UUID_INVALID")
        {
            string pif;
            try
            {
                pif = await call.RefAsync("PIF");
            }
            catch (XenException)
            {
                throw e;
            }

            await call.Api.CallAsync("PIF.destroy", pif);
        }
    }

    private static long Tag(XeCall call) => call.Parameters.Whole("vlan", 0);
}
