using XapiCompat.Core.Dispatch;
using XapiCompat.Core.Networking;
using XapiCompat.Core.Services;
using XapiCompat.Store;
using XapiCompat.Values;

namespace XapiCompat.Core.Handlers;

/// <summary>A host's interfaces as a whole: reset, or made to agree with the pool.</summary>
public sealed class HostNetworkHandlers(RecordStore store, IdSource ids)
{
    /// <summary>Everything goes; a scan finds the hardware again.</summary>
    [XenMessage("host.reset_networking")]
    public void Reset(CallContext context, Ref host) => store.Commit(unit =>
    {
        unit.Get("host", host);
        var pifs = unit.Pointing("PIF", "host", host.Text).ToList();
        var local = pifs.Select(p => p.Reference).ToHashSet(StringComparer.Ordinal);
        foreach (var (@class, field) in (ReadOnlySpan<(string, string)>)
            [("Bond", "master"), ("VLAN", "untagged_PIF"), ("tunnel", "access_PIF"), ("network_sriov", "physical_PIF")])
        {
            foreach (var owner in unit.All(unit.Model.Class(@class)).Where(o => local.Contains(o.Target(field))).ToList())
                unit.Delete(owner.Reference);
        }

        pifs.ForEach(p => PifRecords.Delete(unit, p));
    });

    [XenMessage("host.signal_networking_change")]
    public void SignalNetworkingChange(CallContext context) => store.Commit(unit => Management.FollowAddress(unit, PoolFacts.LocalHost(unit, context)));

    /// <summary>Gives a host the VLANs that the coordinator has, where it has an interface for them; unplugged.</summary>
    [XenMessage("host.sync_vlans")]
    public void SyncVlans(CallContext context, Ref host) => store.Commit(unit =>
    {
        unit.Get("host", host);
        var own = Vlans(unit, host.Text).Select(v => (v.Network, v.Tag, v.Below)).ToHashSet();
        foreach (var vlan in Vlans(unit, PoolFacts.Pool(unit).Target("master")))
        {
            if (!own.Contains((vlan.Network, vlan.Tag, vlan.Below)) && unit.LocalPif(vlan.Below, host.Text) is { } tagged)
                VlanRecords.Insert(unit, ids, tagged, vlan.Tag, vlan.Network);
        }
    });

    /// <summary>As for VLANs.</summary>
    [XenMessage("host.sync_tunnels")]
    public void SyncTunnels(CallContext context, Ref host) => store.Commit(unit =>
    {
        unit.Get("host", host);
        var own = Tunnels(unit, host.Text).Select(t => t.Network).ToHashSet(StringComparer.Ordinal);
        foreach (var tunnel in Tunnels(unit, PoolFacts.Pool(unit).Target("master")))
        {
            if (!own.Contains(tunnel.Network) && unit.LocalPif(tunnel.Below, host.Text) is { } transport)
                TunnelRecords.Insert(unit, ids, transport, tunnel.Network, tunnel.Protocol);
        }
    });

    /// <summary>Interfaces are attached exactly when their bridge is among those that the host has.</summary>
    [XenMessage("host.sync_pif_currently_attached")]
    public void SyncCurrentlyAttached(CallContext context, Ref host, XenArray bridges) => store.Commit(unit =>
    {
        unit.Get("host", host);
        var present = bridges.Items.Select(b => b.ToString()!).ToHashSet(StringComparer.Ordinal);
        foreach (var pif in unit.Pointing("PIF", "host", host.Text).Where(p => PifTopology.Sriov(unit, p) is null).ToList())
            unit.Set(pif.Reference, "currently_attached", unit.FindOf("network", pif.Target("network")) is { } network && present.Contains(network.Text("bridge")));
    });

    private static List<(string Network, long Tag, string Below)> Vlans(UnitOfWork records, string host) =>
    [
        .. from pif in records.Pointing("PIF", "host", host)
           let vlan = records.FindOf("VLAN", pif.Target("VLAN_master_of"))
           where vlan is not null
           let tagged = records.FindOf("PIF", vlan.Target("tagged_PIF"))
           where tagged is not null
           select (pif.Target("network"), pif.Int("VLAN"), tagged.Target("network")),
    ];

    private static List<(string Network, string Below, string Protocol)> Tunnels(UnitOfWork records, string host) =>
    [
        .. from tunnel in records.All(records.Model.Class("tunnel"))
           let access = records.FindOf("PIF", tunnel.Target("access_PIF"))
           let transport = records.FindOf("PIF", tunnel.Target("transport_PIF"))
           where access is not null && transport is not null && access.Target("host") == host
           select (access.Target("network"), transport.Target("network"), tunnel.Text("protocol")),
    ];
}
