using XapiCompat.Core.Services;
using XapiCompat.Store;
using XapiCompat.Values;

namespace XapiCompat.Core.Networking;

/// <param name="Vifs">Of VMs that live on the host or can live nowhere else.</param>
public sealed record InterfaceLoad(IReadOnlyList<Record> Vlans, IReadOnlyList<Record> Tunnels, IReadOnlyList<Record> Vifs);

/// <summary>Moves what stands on interfaces of one host to another interface of it.</summary>
public sealed class InterfaceMoves(UnitOfWork unit, IdSource ids, string host)
{
    private static readonly (string Field, XenValue Empty)[] AddressFields =
        [("ip_configuration_mode", "None"), ("IP", ""), ("netmask", ""), ("gateway", ""), ("DNS", "")];

    public InterfaceLoad LoadOf(IReadOnlyList<Record> pifs) => new(
        [.. pifs.SelectMany(p => PifTopology.VlansOn(unit, p))],
        [.. pifs.SelectMany(p => PifTopology.TunnelsOn(unit, p))],
        LocalVifs([.. pifs.Select(p => p.Target("network"))]));

    public void Bring(InterfaceLoad load, string to, string network)
    {
        foreach (var vlan in load.Vlans)
            MoveVlan(vlan, to);
        foreach (var tunnel in load.Tunnels)
            MoveTunnel(tunnel, to);
        foreach (var vif in load.Vifs)
            MoveVif(vif, network);
    }

    public void MoveAddress(string from, string to)
    {
        foreach (var (field, empty) in AddressFields)
        {
            unit.Set(to, field, unit.Find(from)![field]);
            unit.Set(from, field, empty);
        }
    }

    /// <summary>A member of a cluster keeps its place on the network when its interface becomes part of another.</summary>
    public void MoveCluster(IEnumerable<string> from, string to)
    {
        var old = from.ToHashSet(StringComparer.Ordinal);
        foreach (var member in unit.Pointing("Cluster_host", "host", host).Where(m => old.Contains(m.Target("PIF"))).ToList())
            unit.Set(member.Reference, "PIF", to);
    }

    private void MoveVlan(Record vlan, string to)
    {
        if (unit.FindOf("PIF", vlan.Target("untagged_PIF")) is not { } old)
            return;
        var target = unit.Find(to)!;
        var network = old.Target("network");
        Record moved;
        if (PifTopology.VlansOn(unit, target).FirstOrDefault(v => v.Int("tag") == vlan.Int("tag")) is { } same)
        {
            moved = unit.Find(same.Target("untagged_PIF"))!;
            foreach (var vif in LocalVifs([network]))
                MoveVif(vif, moved.Target("network"));
        }
        else
        {
            moved = unit.Find(VlanRecords.Insert(unit, ids, target, vlan.Int("tag"), network).Target("untagged_PIF"))!;
        }

        MoveAddress(old.Reference, moved.Reference);
        unit.Delete(vlan.Reference);
        PifRecords.Delete(unit, unit.Find(old.Reference)!);
        if (!old.Flag("currently_attached"))
            return;
        if (old.Flag("management"))
            Management.MoveTo(unit, unit.Find(moved.Reference)!);
        else
            PifState.BringUp(unit, moved.Reference);
    }

    private void MoveTunnel(Record tunnel, string to)
    {
        if (unit.FindOf("PIF", tunnel.Target("access_PIF")) is not { } old)
            return;
        var moved = TunnelRecords.Insert(unit, ids, unit.Find(to)!, old.Target("network"), tunnel.Text("protocol"));
        unit.Delete(tunnel.Reference);
        PifRecords.Delete(unit, unit.Find(old.Reference)!);
        if (old.Flag("currently_attached"))
            PifState.BringUp(unit, moved.Target("access_PIF"));
    }

    private void MoveVif(Record vif, string network) => unit.Set(vif.Reference, "network", network);

    private List<Record> LocalVifs(IReadOnlyList<string> networks)
    {
        var local = new Dictionary<string, bool>(StringComparer.Ordinal);
        var vifs = new List<Record>();
        foreach (var vif in networks.SelectMany(n => unit.Pointing("VIF", "network", n)))
        {
            var vm = vif.Target("VM");
            if (!local.TryGetValue(vm, out var isLocal))
                local[vm] = isLocal = IsLocal(vm);
            if (isLocal)
                vifs.Add(vif);
        }

        return vifs;
    }

    private bool IsLocal(string reference)
    {
        if (unit.FindOf("VM", reference) is not { } vm)
            return false;
        if (unit.FindOf("host", vm.Target("resident_on")) is { } home)
            return home.Reference == host;
        var possible = unit.All(unit.Model.Class("host")).Where(h => CanRunOn(vm, h.Reference)).Select(h => h.Reference).ToList();
        return possible.Count == 0 || (possible.Count == 1 && possible[0] == host);
    }

    private bool CanRunOn(Record vm, string candidate) =>
        vm.Set("VIFs").Select(unit.Find).OfType<Record>().All(v => unit.FindOf("network", v.Target("network")) is not { } n || NetworkAttach.IsVisible(unit, n, candidate))
        && vm.Set("VBDs").Select(unit.Find).OfType<Record>()
            .Select(v => unit.FindOf("VDI", v.Target("VDI"))).OfType<Record>()
            .All(d => unit.Pointing("PBD", "SR", d.Target("SR")).Any(p => p.Target("host") == candidate && p.Flag("currently_attached")));
}
