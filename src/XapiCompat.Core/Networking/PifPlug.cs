using XapiCompat.Store;
using XapiCompat.Values;

namespace XapiCompat.Core.Networking;

/// <summary>Interfaces brought up and down together with what they stand on or what stands on them.</summary>
public static class PifPlug
{
    public static void Plug(UnitOfWork unit, Record pif)
    {
        PifRules.RequireManaged(pif);
        var layer = PifTopology.Layer(unit, pif);
        switch (layer.Kind)
        {
            case PifKind.TunnelAccess:
                var transport = unit.FindOf("PIF", layer.Owner!.Target("transport_PIF"));
                if (transport is null || transport.Text("ip_configuration_mode") == "None")
                    throw new XenException("TRANSPORT_PIF_NOT_CONFIGURED", layer.Owner.Target("transport_PIF"));
                Plug(unit, transport);
                break;
            case PifKind.VlanUntagged when unit.FindOf("PIF", layer.Owner!.Target("tagged_PIF")) is { } tagged
                && PifTopology.Layer(unit, tagged).Kind == PifKind.SriovLogical:
                Plug(unit, tagged);
                break;
            case PifKind.SriovLogical when unit.FindOf("PIF", layer.Owner!.Target("physical_PIF")) is { } physical:
                Plug(unit, physical);
                break;
            case PifKind.Physical when PifTopology.BondOf(unit, pif) is { } bond:
                if (!unit.Pointing("network_sriov", "physical_PIF", pif.Reference).Any())
                    throw new XenException("CANNOT_PLUG_BOND_SLAVE", pif.Reference);
                Plug(unit, unit.Find(bond.Target("master"))!);
                return;
        }

        PifState.BringUp(unit, pif.Reference);
    }

    public static void Unplug(UnitOfWork unit, Record pif)
    {
        PifRules.RequireManaged(pif);
        PoolFacts.RequireUnprotected(unit, pif);
        PifRules.RequireNotManagement(pif);
        PifRules.RequireNoActiveVifs(unit, pif);
        if (pif.Flag("disallow_unplug"))
            throw new XenException("PIF_DOES_NOT_ALLOW_UNPLUG", pif.Reference);
        foreach (var tunnel in PifTopology.TunnelsOn(unit, pif).ToList())
            UnplugOf(unit, tunnel, "access_PIF");
        var layer = PifTopology.Layer(unit, pif);
        switch (layer.Kind)
        {
            case PifKind.BondMaster:
                foreach (var member in PifTopology.Members(unit, layer.Owner!).Where(m => unit.Pointing("network_sriov", "physical_PIF", m.Reference).Any()).ToList())
                    Unplug(unit, member);
                break;
            case PifKind.SriovLogical:
                foreach (var vlan in PifTopology.VlansOn(unit, pif).ToList())
                    UnplugOf(unit, vlan, "untagged_PIF");
                break;
            case PifKind.Physical:
                foreach (var sriov in unit.Pointing("network_sriov", "physical_PIF", pif.Reference).ToList())
                    UnplugOf(unit, sriov, "logical_PIF");
                break;
        }

        if (PifTopology.BondOf(unit, pif) is null)
            PifState.BringDown(unit, pif.Reference);
    }

    private static void UnplugOf(UnitOfWork unit, Record owner, string field)
    {
        if (unit.FindOf("PIF", owner.Target(field)) is { } pif)
            Unplug(unit, pif);
    }
}
