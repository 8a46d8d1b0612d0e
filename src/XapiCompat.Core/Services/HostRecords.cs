using XapiCompat.Datamodel;
using XapiCompat.Store;

namespace XapiCompat.Core.Services;

/// <summary>Hosts leave the pool's records together with everything that exists only with them.</summary>
public static class HostRecords
{
    private static readonly string[] Owned = ["PBD", "PIF", "host_cpu", "host_crashdump", "host_patch", "Certificate", "PCI", "PGPU", "PUSB", "Feature"];

    public static void Delete(UnitOfWork unit, Record host)
    {
        foreach (var domain in host.Set("resident_VMs").Select(unit.Find).OfType<Record>().Where(v => v.Flag("is_control_domain")).ToList())
        {
            foreach (var field in (string[])["VBDs", "VIFs", "consoles"])
                domain.Set(field).ToList().ForEach(unit.Delete);
            unit.Delete(domain.Target("metrics"));
            unit.Delete(domain.Target("guest_metrics"));
            unit.Delete(domain.Reference);
        }

        foreach (var owned in Owned.SelectMany(c => OfHost(unit, unit.Model.Class(c), host.Reference)).ToList())
        {
            if (owned.Class.Name == "PIF")
                unit.Delete(owned.Target("metrics"));
            unit.Delete(owned.Reference);
        }

        unit.Delete(host.Target("metrics"));
        unit.Delete(host.Reference);
        PoolHosts.UpdateRestrictions(unit);
    }

    private static IEnumerable<Record> OfHost(UnitOfWork unit, ClassDef @class, string host) => unit.All(@class).Where(r => r.Target("host") == host);
}
