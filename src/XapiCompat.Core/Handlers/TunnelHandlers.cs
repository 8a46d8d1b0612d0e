using XapiCompat.Core.Dispatch;
using XapiCompat.Core.Networking;
using XapiCompat.Core.Services;
using XapiCompat.Store;
using XapiCompat.Values;

namespace XapiCompat.Core.Handlers;

/// <summary>Tunnels and SR-IOV: objects that give a host an interface of their own.</summary>
public sealed class TunnelHandlers(RecordStore store, IdSource ids)
{
    [XenMessage("tunnel.create")]
    public Ref Create(CallContext context, Ref transportPif, Ref network, string protocol) => store.Commit(unit =>
    {
        var transport = unit.Get("PIF", transportPif);
        return TunnelRecords.Create(unit, ids, transport, unit.Get("network", network), protocol).Ref;
    });

    [XenMessage("tunnel.destroy")]
    public void Destroy(CallContext context, Ref self) => store.Commit(unit => TunnelRecords.Destroy(unit, unit.Get("tunnel", self)));

    [XenMessage("network_sriov.create")]
    public Ref CreateSriov(CallContext context, Ref pif, Ref network) => store.Commit(unit =>
    {
        var physical = unit.Get("PIF", pif);
        return SriovRecords.Create(unit, ids, physical, unit.Get("network", network)).Ref;
    });

    [XenMessage("network_sriov.destroy")]
    public void DestroySriov(CallContext context, Ref self) => store.Commit(unit => SriovRecords.Destroy(unit, unit.Get("network_sriov", self)));

    [XenMessage("network_sriov.get_remaining_capacity")]
    public long GetRemainingCapacity(CallContext context, Ref self) => SriovRecords.RemainingCapacity(store.Current, store.Current.Get("network_sriov", self));
}
