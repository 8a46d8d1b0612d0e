using XapiCompat.Store;

namespace XapiCompat.Core.Services;

/// <summary>Which host of the pool a client reached by the address it connected to, and which host it should go to.</summary>
public sealed class PoolPlaces(RecordStore store)
{
    /// <summary>True when there is more than one host, so that the address matters.</summary>
    public bool HasMembers => store.Current.Count(store.Model.Class("host")) > 1;

    /// <summary>The master's address when <paramref name="localAddress"/> is that of another host of the pool; null otherwise.</summary>
    public string? MasterBehind(string? localAddress)
    {
        if (localAddress is null || !HasMembers || HostAt(localAddress) is not { } host)
            return null;
        var master = Master();
        return master is null || master == host ? null : master.Text("address");
    }

    /// <summary>
    /// The address of a host that sees the SR of a disk, when the one at <paramref name="localAddress"/> does not. Null when
    /// it does, when nobody does, and when there is no such disk: then the answer belongs here.
    /// </summary>
    /// <param name="vdi">Reference or uuid.</param>
    public string? HostForDisk(string? vdi, string? localAddress)
    {
        if (vdi is null || !HasMembers)
            return null;
        var current = store.Current;
        var disk = current.Find(vdi) is { Class.Name: "VDI" } found ? found : current.FindByUuid(store.Model.Class("VDI"), vdi.ToLowerInvariant());
        return disk is null ? null : HostForSr(disk.Target("SR"), localAddress);
    }

    /// <summary>The same for an SR.</summary>
    public string? HostForSr(string sr, string? localAddress)
    {
        var current = store.Current;
        if (!HasMembers || current.Find(sr) is not { Class.Name: "SR" } record)
            return null;
        var here = (localAddress is null ? null : HostAt(localAddress)) ?? Master();
        var hosts = record.Set("PBDs").Select(current.Find).OfType<Record>()
            .Where(p => p.Flag("currently_attached")).Select(p => current.Find(p.Target("host"))).OfType<Record>().ToList();
        return hosts.Count == 0 || here is null || hosts.Contains(here) ? null : (hosts.Find(h => h == Master()) ?? hosts[0]).Text("address");
    }

    private Record? Master() =>
        store.Current.All(store.Model.Class("pool")).FirstOrDefault() is { } pool ? store.Current.Find(pool.Target("master")) : null;

    /// <summary>The master when several hosts have the address: it is the one that is really there.</summary>
    private Record? HostAt(string address) =>
        Master() is { } master && master.Text("address") == address ? master : store.Current.All(store.Model.Class("host")).FirstOrDefault(h => h.Text("address") == address);
}
