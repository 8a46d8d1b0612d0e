using XapiCompat.Core.Services;
using XapiCompat.Store;
using XapiCompat.Values;

namespace XapiCompat.Core.Networking;

/// <summary>VLANs: a VLAN object with the interface that stands for it.</summary>
public static class VlanRecords
{
    /// <summary>With all checks, and plugged.</summary>
    public static Record Create(UnitOfWork unit, IdSource ids, Record tagged, long tag, Record network)
    {
        PifRules.RequireManagedNetwork(network);
        var host = tagged.Target("host");
        PifRules.RequireUnconnected(unit, host, network.Reference);
        PifRules.RequireManaged(tagged);
        var layer = PifTopology.Layer(unit, tagged);
        if (layer.Kind == PifKind.Physical && PifTopology.BondOf(unit, tagged) is not null)
            throw new XenException("CANNOT_ADD_VLAN_TO_BOND_SLAVE", tagged.Reference);
        if (layer.Kind == PifKind.VlanUntagged)
            throw new XenException("PIF_IS_VLAN", tagged.Reference);
        if (layer.Kind == PifKind.TunnelAccess)
            throw new XenException("IS_TUNNEL_ACCESS_PIF", tagged.Reference);
        RequireFitting(unit, layer, network);
        Addresses.RequireVlanTag(tag);
        if (PifTopology.VlansOn(unit, tagged).Any(v => v.Int("tag") == tag))
            throw new XenException("PIF_VLAN_EXISTS", tagged.Text("device"));
        var vlan = Insert(unit, ids, tagged, tag, network.Reference);
        PifPlug.Plug(unit, unit.Find(vlan.Target("untagged_PIF"))!);
        return vlan;
    }

    /// <summary>The objects alone, unplugged.</summary>
    public static Record Insert(UnitOfWork unit, IdSource ids, Record tagged, long tag, string network)
    {
        PifTopology.RequireNoTrunkVifs(unit, network);
        var reference = ids.NewReference();
        var untagged = PifRecords.Insert(
            unit,
            ids,
            tagged.Text("device"),
            network,
            tagged.Target("host"),
            ("MAC", PifRecords.SharedMac),
            ("MTU", tagged["MTU"]),
            ("VLAN", tag),
            ("metrics", tagged["metrics"]),
            ("VLAN_master_of", reference),
            ("IPv6", XenArray.Of([""])),
            ("primary_address_type", tagged["primary_address_type"]));
        return InsertAlone(unit, ids, reference, tagged.Reference, untagged, tag, XenStruct.Empty);
    }

    public static Record InsertAlone(UnitOfWork unit, IdSource ids, string reference, string tagged, string untagged, long tag, XenStruct otherConfig) => unit.Insert(
        unit.Model.Class("VLAN"),
        reference,
        ("uuid", ids.NewUuidText()),
        ("tagged_PIF", tagged),
        ("untagged_PIF", untagged),
        ("tag", tag),
        ("other_config", otherConfig));

    public static void Destroy(UnitOfWork unit, Record vlan)
    {
        if (unit.FindOf("PIF", vlan.Target("untagged_PIF")) is not { } untagged)
        {
            unit.Delete(vlan.Reference);
            return;
        }

        PifRules.RequireNotBonded(unit, untagged);
        PifRules.RequireNotMemberManagement(unit, untagged);
        PoolFacts.RequireUnprotected(unit, untagged);
        if (untagged.Int("VLAN") < 0)
            throw new XenException("PIF_IS_PHYSICAL");
        PifPlug.Unplug(unit, untagged);
        unit.Delete(vlan.Reference);
        PifRecords.Delete(unit, untagged);
    }

    private static void RequireFitting(UnitOfWork unit, PifLayer tagged, Record network)
    {
        if (unit.Pointing("PIF", "network", network.Reference).FirstOrDefault() is not { } existing)
            return;
        if (tagged.Kind != PifKind.SriovLogical)
        {
            if (PifTopology.Sriov(unit, existing) is not null)
                throw new XenException("NETWORK_INCOMPATIBLE_WITH_VLAN_ON_BRIDGE", network.Reference);
            return;
        }

        if (PifTopology.Layer(unit, existing).Kind != PifKind.VlanUntagged || PifTopology.Sriov(unit, existing) is not { } sriov)
            throw new XenException("NETWORK_INCOMPATIBLE_WITH_VLAN_ON_SRIOV", network.Reference);
        if (!PifRules.SameHardware(unit, sriov.Target("physical_PIF"), tagged.Owner!.Target("physical_PIF")))
            throw new XenException("NETWORK_HAS_INCOMPATIBLE_VLAN_ON_SRIOV_PIFS", tagged.Pif.Reference, network.Reference);
    }
}
