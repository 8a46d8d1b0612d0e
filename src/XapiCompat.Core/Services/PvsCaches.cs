using XapiCompat.Core.Dispatch;
using XapiCompat.Core.Networking;
using XapiCompat.Store;
using XapiCompat.Values;

namespace XapiCompat.Core.Services;

/// <summary>Cache storage of PVS sites: a record for each host, with a disk of its own.</summary>
public sealed class PvsCaches(RecordStore store, VdiService vdis, IdSource ids)
{
    public async ValueTask<Ref> CreateAsync(CallContext context, Ref host, Ref sr, Ref site, long size)
    {
        var records = store.Current;
        PoolFacts.RequireReference(records, "host", "host", host);
        PoolFacts.RequireReference(records, "SR", "SR", sr);
        PoolFacts.RequireReference(records, "PVS_site", "site", site);
        RequireFree(records, host, site);
        var vdi = await vdis.CreateAsync(
            context,
            CreateRecord.Complete(
                store.Model.Class("VDI"),
                XenStruct.Of(("name_label", "PVS cache VDI"), ("name_description", "PVS cache VDI"), ("SR", sr.Text), ("virtual_size", size), ("type", "pvs_cache")),
                strict: false));
        try
        {
            return store.Commit(unit =>
            {
                RequireFree(unit, host, site);
                return unit.Insert(
                    unit.Model.Class("PVS_cache_storage"),
                    ids.NewReference(),
                    ("uuid", ids.NewUuidText()),
                    ("host", host.Text),
                    ("SR", sr.Text),
                    ("site", site.Text),
                    ("size", size),
                    ("VDI", vdi.Text)).Ref;
            });
        }
        catch (XenException)
        {
            await vdis.DestroyAsync(context, vdi);
            throw;
        }
    }

    public async ValueTask DestroyAsync(CallContext context, Ref self)
    {
        var storage = store.Current.Get("PVS_cache_storage", self);
        if (IsInUse(store.Current, storage))
            throw new XenException("PVS_CACHE_STORAGE_IS_IN_USE", self.Text);
        if (store.Current.FindOf("VDI", storage.Target("VDI")) is { } vdi)
            await vdis.DestroyAsync(context, vdi.Ref);
        store.Commit(unit => unit.Delete(self.Text));
    }

    private static void RequireFree(IRecords records, Ref host, Ref site)
    {
        if (records.Pointing("PVS_cache_storage", "site", site.Text).Any(s => s.Target("host") == host.Text))
            throw new XenException("PVS_CACHE_STORAGE_ALREADY_PRESENT", site.Text, host.Text);
    }

    private static bool IsInUse(IRecords records, Record storage) =>
        records.Pointing("PVS_proxy", "site", storage.Target("site"))
            .Where(p => p.Flag("currently_attached"))
            .Select(p => records.FindOf("VIF", p.Target("VIF"))).OfType<Record>()
            .Select(v => records.FindOf("VM", v.Target("VM"))).OfType<Record>()
            .Any(v => v.Target("resident_on") == storage.Target("host"));
}
