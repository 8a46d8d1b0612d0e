using XapiCompat.Core.Dispatch;
using XapiCompat.Core.Networking;
using XapiCompat.Core.Services;
using XapiCompat.Store;
using XapiCompat.Values;

namespace XapiCompat.Core.Handlers;

/// <summary>VLANs on one host and on all hosts of the pool.</summary>
public sealed class VlanHandlers(RecordStore store, IdSource ids)
{
    [XenMessage("VLAN.create")]
    public Ref Create(CallContext context, Ref taggedPif, long tag, Ref network) => store.Commit(unit =>
    {
        var tagged = unit.Get("PIF", taggedPif);
        return VlanRecords.Create(unit, ids, tagged, tag, unit.Get("network", network)).Ref;
    });

    [XenMessage("VLAN.destroy")]
    public void Destroy(CallContext context, Ref self) => store.Commit(unit => VlanRecords.Destroy(unit, unit.Get("VLAN", self)));

    /// <summary>For an interface that exists already; it takes over the metrics of the one below.</summary>
    [XenMessage("VLAN.pool_introduce")]
    public Ref PoolIntroduce(CallContext context, Ref taggedPif, Ref untaggedPif, long tag, XenStruct otherConfig) => store.Commit(unit =>
    {
        var tagged = unit.Get("PIF", taggedPif);
        var untagged = unit.Get("PIF", untaggedPif);
        var vlan = VlanRecords.InsertAlone(unit, ids, ids.NewReference(), taggedPif.Text, untaggedPif.Text, tag, (XenStruct)Storable.Clean(otherConfig));
        unit.Set(untaggedPif.Text, "VLAN_master_of", vlan.Reference);
        var own = untagged.Target("metrics");
        unit.Set(untaggedPif.Text, "metrics", tagged["metrics"]);
        if (own != tagged.Target("metrics") && unit.FindOf("PIF_metrics", own) is not null)
            unit.Delete(own);
        return vlan.Ref;
    });

    /// <summary>The same VLAN on the interface of that name of every host; on all of them or on none.</summary>
    [XenMessage("pool.create_VLAN")]
    public XenArray CreateInPool(CallContext context, string device, Ref network, long tag) => store.Commit(unit =>
    {
        var net = unit.Get("network", network);
        var hosts = unit.All(unit.Model.Class("host")).Select(h => h.Reference).ToList();
        return XenArray.Of(hosts.Select(h => OnDevice(unit, ids, device, h, net, tag)).ToList());
    });

    /// <summary>The same VLAN on every interface of the network that <paramref name="pif"/> is on; on all of them or on none.</summary>
    [XenMessage("pool.create_VLAN_from_PIF")]
    public XenArray CreateInPoolFromPif(CallContext context, Ref pif, Ref network, long tag) => store.Commit(unit =>
    {
        var below = unit.Get("PIF", pif).Target("network");
        var net = unit.Get("network", network);
        var pifs = unit.Pointing("PIF", "network", below).Where(p => IsLive(unit, p.Target("host"))).ToList();
        return XenArray.Of(pifs.Select(p => VlanRecords.Create(unit, ids, p, tag, net).Target("untagged_PIF")).ToList());
    });

    /// <summary>The interface of a new VLAN on a host's device.</summary>
    internal static string OnDevice(UnitOfWork unit, IdSource ids, string device, string host, Record network, long tag)
    {
        var tagged = unit.Pointing("PIF", "host", host).FirstOrDefault(p => p.Text("device") == device && p.Int("VLAN") == -1)
            ?? throw new XenException("INVALID_VALUE", "device", device);
        return VlanRecords.Create(unit, ids, tagged, tag, network).Target("untagged_PIF");
    }

    private static bool IsLive(IRecords records, string host) =>
        records.FindOf("host", host) is { } record && records.FindOf("host_metrics", record.Target("metrics"))?.Flag("live") == true;
}
