using XapiCompat.Store;

namespace XapiCompat.Core.Services;

/// <summary>What many messages ask about the pool and its hosts.</summary>
public static class PoolHosts
{
    public static Record Pool(IRecords records) => records.All(records.Model.Class("pool")).First();

    public static IReadOnlyList<Record> Hosts(IRecords records) => [.. records.All(records.Model.Class("host")).OrderBy(h => h.Created)];

    /// <summary>The host that answers calls which name none.</summary>
    public static Record Coordinator(IRecords records) => records.Get("host", Pool(records).Target("master"));

    public static bool IsLive(IRecords records, Record host) => records.Find(host.Target("metrics"))?.Flag("live") == true;

    /// <summary>Running VMs on a host, without its control domain.</summary>
    public static IEnumerable<Record> Guests(IRecords records, Record host) =>
        host.Set("resident_VMs").Select(records.Find).OfType<Record>().Where(v => !v.Flag("is_control_domain"));

    /// <summary>The pool may do what all its hosts may.</summary>
    public static void UpdateRestrictions(UnitOfWork unit)
    {
        var hosts = Hosts(unit);
        var all = hosts.SelectMany(h => h.Map("license_params").Names.Where(n => n.StartsWith("restrict_", StringComparison.Ordinal))).Distinct().ToList();
        var pool = Pool(unit);
        var restrictions = pool.Map("restrictions");
        foreach (var name in all)
        {
            // A host without the key is restricted.
            var restricted = hosts.Any(h => h.Map("license_params")[name]?.ToString() != "false");
            if (restrictions[name]?.ToString() != (restricted ? "true" : "false"))
                restrictions = restrictions.With(name, restricted ? "true" : "false");
        }

        unit.Set(pool.Reference, "restrictions", restrictions);
    }
}
