using XapiCompat.Core.Services;
using XapiCompat.Store;
using XapiCompat.Values;

namespace XapiCompat.Core.Networking;

/// <summary>Tunnels: a tunnel object with its access interface.</summary>
public static class TunnelRecords
{
    public static Record Create(UnitOfWork unit, IdSource ids, Record transport, Record network, string protocol)
    {
        PifRules.RequireManagedNetwork(network);
        PifRules.RequireUnconnected(unit, transport.Target("host"), network.Reference);
        PifRules.RequireManaged(transport);
        var layer = PifTopology.Layer(unit, transport);
        if (layer.Kind == PifKind.Physical && PifTopology.BondOf(unit, transport) is not null)
            throw new XenException("CANNOT_ADD_TUNNEL_TO_BOND_SLAVE", transport.Reference);
        if (layer.Kind == PifKind.TunnelAccess)
            throw new XenException("IS_TUNNEL_ACCESS_PIF", transport.Reference);
        if (layer.Kind == PifKind.SriovLogical)
            throw new XenException("CANNOT_ADD_TUNNEL_TO_SRIOV_LOGICAL", transport.Reference);
        if (layer.Kind == PifKind.VlanUntagged && PifTopology.Sriov(unit, transport) is not null)
            throw new XenException("CANNOT_ADD_TUNNEL_TO_VLAN_ON_SRIOV_LOGICAL", transport.Reference);
        if (PifTopology.IsSriovNetwork(unit, network.Reference))
            throw new XenException("NETWORK_INCOMPATIBLE_WITH_TUNNEL", network.Reference);
        PoolFacts.RequireVswitch(unit);
        var tunnel = Insert(unit, ids, transport, network.Reference, protocol);
        PifPlug.Plug(unit, unit.Find(tunnel.Target("access_PIF"))!);
        return tunnel;
    }

    /// <summary>The objects alone, unplugged.</summary>
    public static Record Insert(UnitOfWork unit, IdSource ids, Record transport, string network, string protocol)
    {
        var host = transport.Target("host");
        var access = PifRecords.Insert(
            unit,
            ids,
            FreeDevice(unit, host),
            network,
            host,
            ("MAC", DeviceRecords.MakeMac(ids.NewUuidText(), "0")),
            ("MTU", -1),
            ("metrics", transport["metrics"]),
            ("IPv6", XenArray.Of([""])),
            ("primary_address_type", transport["primary_address_type"]));
        return unit.Insert(
            unit.Model.Class("tunnel"),
            ids.NewReference(),
            ("uuid", ids.NewUuidText()),
            ("access_PIF", access),
            ("transport_PIF", transport.Reference),
            ("status", XenStruct.Of(("active", "false"))),
            ("protocol", protocol));
    }

    public static void Destroy(UnitOfWork unit, Record tunnel)
    {
        var access = unit.FindOf("PIF", tunnel.Target("access_PIF"));
        if (access is not null)
            PifPlug.Unplug(unit, access);
        unit.Delete(tunnel.Reference);
        if (access is not null)
            PifRecords.Delete(unit, access);
    }

    private static string FreeDevice(IRecords records, string host)
    {
        var used = records.Pointing("PIF", "host", host).Select(p => p.Text("device")).ToHashSet(StringComparer.Ordinal);
        return Enumerable.Range(0, int.MaxValue).Select(n => "tunnel" + n).First(d => !used.Contains(d));
    }
}
