using XapiCompat.Core.Dispatch;
using XapiCompat.Core.Networking;
using XapiCompat.Core.Services;
using XapiCompat.Store;
using XapiCompat.Values;

namespace XapiCompat.Core.Handlers;

/// <summary>Which interface manages a host.</summary>
public sealed class ManagementHandlers(RecordStore store)
{
    [XenMessage("host.get_management_interface")]
    public Ref GetManagementInterface(CallContext context, Ref host) =>
        Management.InterfaceOf(store.Current, store.Current.Get("host", host).Reference)?.Ref ?? throw Errors.Internal("Not_found");

    [XenMessage("host.management_reconfigure")]
    public void Reconfigure(CallContext context, Ref pif) => store.Commit(unit =>
    {
        PoolFacts.RequireNoHa(unit);
        var record = unit.Get("PIF", pif);
        if (record.Flag("managed"))
            PifRules.RequireUsableForManagement(unit, record);
        if (!record.Flag("management"))
            Management.MoveTo(unit, record);
    });

    /// <summary>The host forgets which interface is for management; its listeners stay.</summary>
    [XenMessage("host.management_disable")]
    public void Disable(CallContext context) => store.Commit(unit =>
    {
        PoolFacts.RequireNoHa(unit);
        var host = PoolFacts.LocalHost(unit, context);
        if (host != PoolFacts.Pool(unit).Target("master"))
            throw new XenException("SLAVE_REQUIRES_MANAGEMENT_INTERFACE");
        foreach (var pif in unit.Pointing("PIF", "host", host).Where(p => p.Flag("management")).ToList())
            unit.Set(pif.Reference, "management", false);
    });

    /// <summary>Every host's management moves to its interface on one network; all of them or none.</summary>
    [XenMessage("pool.management_reconfigure")]
    public void ReconfigurePool(CallContext context, Ref network) => store.Commit(unit =>
    {
        PoolFacts.RequireNoHa(unit);
        unit.Get("network", network);
        var pifs = unit.Pointing("PIF", "network", network.Text).ToList();
        foreach (var host in unit.All(unit.Model.Class("host")))
        {
            if (pifs.All(p => p.Target("host") != host.Reference))
                throw new XenException("PIF_NOT_PRESENT", host.Reference, network.Text);
        }

        foreach (var pif in pifs)
        {
            if (pif.Text("primary_address_type") != pifs[0].Text("primary_address_type"))
                throw new XenException("PIF_INCOMPATIBLE_PRIMARY_ADDRESS_TYPE", pif.Reference);
            PifRules.RequireUsableForManagement(unit, pif);
        }

        foreach (var pif in pifs.Where(p => !p.Flag("management")))
            Management.MoveTo(unit, pif);
    });
}
