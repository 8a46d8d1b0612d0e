using XapiCompat.Core.Dispatch;
using XapiCompat.Core.Operations;
using XapiCompat.Core.Services;
using XapiCompat.Store;
using XapiCompat.Values;

namespace XapiCompat.Core.Handlers;

/// <summary>Local storage caching: which SR of a host caches shared disks.</summary>
public sealed class StorageCacheHandlers(RecordStore store)
{
    private const string Feature = "SR_SUPPORTS_LOCAL_CACHING";

    [XenMessage("host.enable_local_storage_caching")]
    public void Enable(CallContext context, Ref host, Ref sr) => store.Commit(unit => Enable(unit, unit.Get("host", host), unit.Get("SR", sr)));

    [XenMessage("host.disable_local_storage_caching")]
    public void Disable(CallContext context, Ref host) => store.Commit(unit => Disable(unit, unit.Get("host", host)));

    /// <summary>Every host takes an SR of its own that can cache.</summary>
    [XenMessage("pool.enable_local_storage_caching")]
    public void EnableAll(CallContext context, Ref self)
    {
        store.Current.Get("pool", self);
        OnAll("HOSTS_FAILED_TO_ENABLE_CACHING", (unit, host) =>
        {
            var sr = host.Set("PBDs").Select(unit.Find).OfType<Record>().Select(p => unit.Find(p.Target("SR"))).OfType<Record>().FirstOrDefault(s => CanCache(unit, s))
                ?? throw new XenException("SR_OPERATION_NOT_SUPPORTED");
            Enable(unit, host, sr);
        });
    }

    [XenMessage("pool.disable_local_storage_caching")]
    public void DisableAll(CallContext context, Ref self)
    {
        store.Current.Get("pool", self);
        OnAll("HOSTS_FAILED_TO_DISABLE_CACHING", Disable);
    }

    private void OnAll(string failure, Action<UnitOfWork, Record> change)
    {
        var failed = new List<string>();
        foreach (var host in PoolHosts.Hosts(store.Current))
        {
            try
            {
                store.Commit(unit => change(unit, unit.Get("host", host.Reference)));
            }
            catch (XenException)
            {
                failed.Add(host.Reference);
            }
        }

        if (failed.Count > 0)
            throw new XenException(failure, failed);
    }

    private static void Enable(UnitOfWork unit, Record host, Record sr)
    {
        AssertIdle(unit, host);
        if (!CanCache(unit, sr))
            throw new XenException("SR_OPERATION_NOT_SUPPORTED");
        if (unit.Find(sr.Set("PBDs").First())?.Target("host") != host.Reference)
            throw new XenException("HOST_CANNOT_SEE_SR", host.Reference, sr.Reference);
        if (unit.Find(host.Target("local_cache_sr")) is { } old)
            unit.Set(old.Reference, "local_cache_enabled", false);
        unit.Set(host.Reference, "local_cache_sr", sr.Reference);
        unit.Set(sr.Reference, "local_cache_enabled", true);
    }

    private static void Disable(UnitOfWork unit, Record host)
    {
        AssertIdle(unit, host);
        if (unit.Find(host.Target("local_cache_sr")) is { } old)
            unit.Set(old.Reference, "local_cache_enabled", false);
        unit.Set(host.Reference, "local_cache_sr", Ref.Null.Text);
    }

    private static bool CanCache(UnitOfWork records, Record sr) =>
        !sr.Flag("shared") && sr.Set("PBDs").Count() == 1 && SrFacts.HasFeature(records, sr, Feature);

    /// <summary>The host is disabled and runs nothing that the change could disturb.</summary>
    private static void AssertIdle(UnitOfWork records, Record host)
    {
        if (host.Flag("enabled"))
            throw new XenException("HOST_NOT_DISABLED");
        if (PoolHosts.Guests(records, host).FirstOrDefault(v => v.Text("power_state") == "Running") is { } guest)
            throw new XenException("HOST_IN_USE", host.Reference, "vm", guest.Reference);
        var busy = records.Find(host.Target("control_domain"))?.Set("VBDs").Select(records.Find).OfType<Record>().FirstOrDefault(v => v.Flag("currently_attached"));
        if (busy is not null)
            throw new XenException("HOST_IN_USE", host.Reference, "vbd", busy.Reference);
    }
}
