using XapiCompat.Store;
using XapiCompat.Values;

namespace XapiCompat.Core.Networking;

public enum PifKind
{
    TunnelAccess,
    VlanUntagged,
    SriovLogical,
    BondMaster,
    Physical,
}

/// <param name="Owner">The tunnel, VLAN, network_sriov or Bond that makes the interface what it is; null for physical ones.</param>
public sealed record PifLayer(PifKind Kind, Record Pif, Record? Owner);

/// <summary>What an interface is and what it stands on, down to a physical one or a bond.</summary>
public static class PifTopology
{
    public static PifLayer Layer(IRecords records, Record pif)
    {
        if (records.Pointing("tunnel", "access_PIF", pif.Reference).FirstOrDefault() is { } tunnel)
            return new(PifKind.TunnelAccess, pif, tunnel);
        if (records.FindOf("VLAN", pif.Target("VLAN_master_of")) is { } vlan)
            return new(PifKind.VlanUntagged, pif, vlan);
        if (records.Pointing("network_sriov", "logical_PIF", pif.Reference).FirstOrDefault() is { } sriov)
            return new(PifKind.SriovLogical, pif, sriov);
        if (records.Pointing("Bond", "master", pif.Reference).FirstOrDefault() is { } bond)
            return new(PifKind.BondMaster, pif, bond);
        return new(PifKind.Physical, pif, null);
    }

    /// <summary>From the interface itself down to its root.</summary>
    public static IReadOnlyList<PifLayer> Stack(IRecords records, Record pif)
    {
        var layers = new List<PifLayer>();
        for (var current = pif; current is not null && layers.All(l => l.Pif.Reference != current.Reference);)
        {
            var layer = Layer(records, current);
            layers.Add(layer);
            current = layer.Kind switch
            {
                PifKind.TunnelAccess => records.FindOf("PIF", layer.Owner!.Target("transport_PIF")),
                PifKind.VlanUntagged => records.FindOf("PIF", layer.Owner!.Target("tagged_PIF")),
                PifKind.SriovLogical => records.FindOf("PIF", layer.Owner!.Target("physical_PIF")),
                _ => null,
            };
        }

        return layers;
    }

    /// <summary>The network_sriov under an interface or under the VLAN that it is, or null.</summary>
    public static Record? Sriov(IRecords records, Record pif)
    {
        if (!records.All(records.Model.Class("network_sriov")).Any())
            return null;
        var stack = Stack(records, pif);
        if (stack[0].Kind == PifKind.SriovLogical)
            return stack[0].Owner;
        return stack[0].Kind == PifKind.VlanUntagged && stack.Count > 1 && stack[1].Kind == PifKind.SriovLogical ? stack[1].Owner : null;
    }

    /// <summary>True when the network's interfaces are SR-IOV ones or VLANs on them; one of them tells for all.</summary>
    public static bool IsSriovNetwork(IRecords records, string network) =>
        records.All(records.Model.Class("network_sriov")).Any()
        && records.Pointing("PIF", "network", network).FirstOrDefault() is { } pif && Sriov(records, pif) is not null;

    /// <summary>Null for interfaces that are in no bond.</summary>
    public static Record? BondOf(IRecords records, Record pif) => records.FindOf("Bond", pif.Target("bond_slave_of"));

    public static IEnumerable<Record> Members(IRecords records, Record bond) => records.Pointing("PIF", "bond_slave_of", bond.Reference);

    public static IEnumerable<Record> VlansOn(IRecords records, Record pif) => records.Pointing("VLAN", "tagged_PIF", pif.Reference);

    public static IEnumerable<Record> TunnelsOn(IRecords records, Record pif) => records.Pointing("tunnel", "transport_PIF", pif.Reference);

    /// <summary>Interfaces that carry a VLAN and VIFs that carry trunks do not go together on one network.</summary>
    public static void RequireNoVlanPifs(IRecords records, string network)
    {
        if (records.Pointing("PIF", "network", network).Any(p => p.Int("VLAN") != -1))
            throw new XenException("NETWORK_INCOMPATIBLE_WITH_TRUNKS", network);
    }

    public static void RequireNoTrunkVifs(IRecords records, string network)
    {
        if (records.Pointing("VIF", "network", network).Any(v => ((XenArray)v["trunks"]).Items.Count > 0))
            throw new XenException("NETWORK_INCOMPATIBLE_WITH_TRUNKS", network);
    }
}
