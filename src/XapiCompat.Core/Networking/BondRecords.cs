using XapiCompat.Core.Services;
using XapiCompat.Store;
using XapiCompat.Values;

namespace XapiCompat.Core.Networking;

/// <summary>
/// Bonds: made of interfaces of one host, whose addresses, management, VLANs, tunnels and VIFs move to the bond's own
/// interface and back to the primary member when the bond goes.
/// </summary>
public static class BondRecords
{
    public static Record Create(UnitOfWork unit, IdSource ids, Record network, IReadOnlyList<Record> given, string mac, string mode, XenStruct properties)
    {
        var members = given.DistinctBy(m => m.Reference).ToList();
        PifRules.RequireManagedNetwork(network);
        if (members.Count == 0)
            throw new XenException("PIF_BOND_NEEDS_MORE_MEMBERS");
        var host = members[0].Target("host");
        PifRules.RequireUnconnected(unit, host, network.Reference);
        if (PifTopology.IsSriovNetwork(unit, network.Reference))
            throw new XenException("NETWORK_INCOMPATIBLE_WITH_BOND", network.Reference);
        if (mac.Length > 0)
            Addresses.RequireMac(mac);
        foreach (var name in properties.Names)
            BondProperties.Require(mode, name, properties[name]!.ToString()!);

        var withAddress = members.Where(HasAddress).ToList();
        var primary = members.FirstOrDefault(m => m.Flag("management")) ?? withAddress.FirstOrDefault() ?? members[0];
        RequireBondable(unit, members, primary, withAddress.Count);
        var moves = new InterfaceMoves(unit, ids, host);
        var load = moves.LoadOf(members);
        var (master, bond) = Insert(unit, ids, network, members, primary, mac, mode, properties);
        moves.MoveAddress(primary.Reference, master);
        if (primary.Flag("management"))
            Management.MoveTo(unit, unit.Find(master)!);
        else
            PifState.BringUp(unit, master);
        moves.Bring(load, master, network.Reference);
        if (members.Any(m => m.Flag("disallow_unplug")))
        {
            unit.Set(master, "disallow_unplug", true);
            members.ForEach(m => unit.Set(m.Reference, "disallow_unplug", false));
        }

        moves.MoveCluster(members.Select(m => m.Reference), master);
        return bond;
    }

    public static void Destroy(UnitOfWork unit, IdSource ids, Record bond)
    {
        var master = unit.Get("PIF", bond.Target("master"));
        var members = PifTopology.Members(unit, bond).ToList();
        if (master.Flag("management") && PoolFacts.Pool(unit).Flag("ha_enabled"))
            throw new XenException("HA_CANNOT_CHANGE_BOND_STATUS_OF_MGMT_IFACE");
        var primary = members.FirstOrDefault(m => m.Reference == bond.Target("primary_slave")) ?? members[0];
        var moves = new InterfaceMoves(unit, ids, master.Target("host"));
        var load = moves.LoadOf([master]);
        var wasUp = master.Flag("currently_attached");
        // The bond goes first, so that its members are interfaces of their own when things move to them.
        unit.Delete(bond.Reference);
        members.ForEach(m => unit.Set(m.Reference, "bond_slave_of", Ref.Null.Text));
        moves.MoveAddress(master.Reference, primary.Reference);
        if (wasUp)
            members.ForEach(m => PifState.BringUp(unit, m.Reference));
        if (master.Flag("management"))
            Management.MoveTo(unit, unit.Find(primary.Reference)!);

        moves.Bring(load, primary.Reference, primary.Target("network"));
        if (master.Flag("disallow_unplug"))
            unit.Set(primary.Reference, "disallow_unplug", true);
        moves.MoveCluster([master.Reference], primary.Reference);
        PifRecords.Delete(unit, unit.Find(master.Reference)!);
    }

    private static bool HasAddress(Record pif) =>
        pif.Text(pif.Text("primary_address_type") == "IPv4" ? "ip_configuration_mode" : "ipv6_configuration_mode") != "None";

    private static void RequireBondable(UnitOfWork unit, List<Record> members, Record primary, int withAddress)
    {
        foreach (var member in members.Where(m => m.Text("primary_address_type") != primary.Text("primary_address_type")))
            throw new XenException("PIF_INCOMPATIBLE_PRIMARY_ADDRESS_TYPE", member.Reference);
        var ha = PoolFacts.Pool(unit).Flag("ha_enabled");
        foreach (var member in members)
        {
            PifRules.RequireManaged(member);
            var layer = PifTopology.Layer(unit, member);
            if (layer.Kind == PifKind.Physical && PifTopology.BondOf(unit, member) is not null)
                throw new XenException("PIF_ALREADY_BONDED", member.Reference);
            if (layer.Kind == PifKind.VlanUntagged)
                throw new XenException("PIF_VLAN_EXISTS", member.Text("device_name"));
            if (layer.Kind == PifKind.TunnelAccess)
                throw new XenException("IS_TUNNEL_ACCESS_PIF", member.Reference);
            if (layer.Kind == PifKind.SriovLogical)
                throw new XenException("PIF_IS_SRIOV_LOGICAL", member.Reference);
            if (ha && member.Flag("management"))
                throw new XenException("HA_CANNOT_CHANGE_BOND_STATUS_OF_MGMT_IFACE");
        }

        if (members.Any(m => m.Target("host") != members[0].Target("host")))
            throw new XenException("PIF_CANNOT_BOND_CROSS_HOST");
        if (members.Any(m => !m["properties"].Equals(members[0]["properties"])))
            throw new XenException("INCOMPATIBLE_PIF_PROPERTIES");
        if (withAddress > 1)
            throw new XenException("PIF_BOND_MORE_THAN_ONE_IP");
    }

    private static (string Master, Record Bond) Insert(
        UnitOfWork unit, IdSource ids, Record network, List<Record> members, Record primary, string mac, string mode, XenStruct properties)
    {
        var host = members[0].Target("host");
        var master = PifRecords.Insert(
            unit,
            ids,
            FreeDevice(unit, host),
            network.Reference,
            host,
            ("MAC", mac.Length > 0 ? mac : primary.Text("MAC")),
            ("MTU", -1),
            ("metrics", PifRecords.NewMetrics(unit, ids)),
            ("IPv6", XenArray.Of([""])),
            ("primary_address_type", primary["primary_address_type"]),
            ("properties", members[0]["properties"]));
        var bond = unit.Insert(
            unit.Model.Class("Bond"),
            ids.NewReference(),
            ("uuid", ids.NewUuidText()),
            ("master", master),
            ("primary_slave", primary.Reference),
            ("mode", mode),
            ("properties", BondProperties.Complete(mode, properties)),
            ("auto_update_mac", mac.Length == 0));
        members.ForEach(m => unit.Set(m.Reference, "bond_slave_of", bond.Reference));
        return (master, bond);
    }

    private static string FreeDevice(IRecords records, string host)
    {
        var used = records.Pointing("PIF", "host", host).Select(p => p.Text("device")).ToHashSet(StringComparer.Ordinal);
        return Enumerable.Range(0, int.MaxValue).Select(n => "bond" + n).First(d => !used.Contains(d));
    }
}
