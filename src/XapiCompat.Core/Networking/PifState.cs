using XapiCompat.Store;

namespace XapiCompat.Core.Networking;

/// <summary>What the records of a host's interfaces say after the host has brought one up or down.</summary>
public static class PifState
{
    public static void BringUp(UnitOfWork unit, string reference)
    {
        var pif = unit.Find(reference)!;
        var layer = PifTopology.Layer(unit, pif);
        if (layer.Kind == PifKind.SriovLogical)
        {
            unit.Set(layer.Owner!.Reference, "configuration_mode", "sysfs");
            unit.Set(layer.Owner.Reference, "requires_reboot", false);
            unit.Set(reference, "currently_attached", true);
            return;
        }

        if (layer.Kind == PifKind.VlanUntagged && PifTopology.Sriov(unit, pif) is { } sriov)
        {
            unit.Set(reference, "currently_attached", unit.Find(sriov.Target("logical_PIF"))?.Flag("currently_attached") == true);
            return;
        }

        var network = unit.Find(pif.Target("network"));
        if (layer.Kind == PifKind.BondMaster)
            BringBondUp(unit, pif, layer.Owner!, network);
        if (!pif.Flag("currently_attached"))
        {
            unit.Set(reference, "currently_attached", true);
            // The members of a bond and its master are never up at the same time.
            if (PifTopology.BondOf(unit, pif) is { } bond && unit.FindOf("PIF", bond.Target("master")) is { } master)
                unit.Set(master.Reference, "currently_attached", false);
        }

        if (network is not null)
            unit.Set(reference, "MTU", network.Int("MTU"));
        if (pif.Int("VLAN") == -1)
            unit.Set(reference, "igmp_snooping_status", PoolFacts.Pool(unit).Flag("igmp_snooping_enabled") ? "enabled" : "disabled");
    }

    public static void BringDown(UnitOfWork unit, string reference)
    {
        var layer = PifTopology.Layer(unit, unit.Find(reference)!);
        if (layer.Kind == PifKind.SriovLogical)
            unit.Set(layer.Owner!.Reference, "requires_reboot", false);
        if (layer.Kind == PifKind.BondMaster)
            unit.Set(layer.Owner!.Reference, "links_up", 0);
        unit.Set(reference, "currently_attached", false);
    }

    private static void BringBondUp(UnitOfWork unit, Record master, Record bond, Record? network)
    {
        var members = PifTopology.Members(unit, bond).ToList();
        foreach (var member in members)
        {
            unit.Set(member.Reference, "currently_attached", false);
            if (network is not null && unit.FindOf("network", member.Target("network")) is { } own)
                unit.Set(own.Reference, "MTU", network.Int("MTU"));
        }

        if (bond.Flag("auto_update_mac") && unit.FindOf("PIF", bond.Target("primary_slave")) is { } primary)
            unit.Set(master.Reference, "MAC", primary.Text("MAC"));
        unit.Set(bond.Reference, "links_up", members.Count);
        if (unit.FindOf("PIF_metrics", master.Target("metrics")) is { } metrics)
        {
            unit.Set(metrics.Reference, "carrier", true);
            unit.Set(metrics.Reference, "duplex", true);
            unit.Set(metrics.Reference, "speed", members.Sum(m => unit.FindOf("PIF_metrics", m.Target("metrics"))?.Int("speed") ?? 0));
        }
    }
}
