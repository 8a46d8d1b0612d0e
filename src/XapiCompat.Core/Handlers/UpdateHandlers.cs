using XapiCompat.Core.Dispatch;
using XapiCompat.Core.Services;
using XapiCompat.Store;
using XapiCompat.Values;

namespace XapiCompat.Core.Handlers;

/// <summary>Updates and old patches as records: which host has which. Nothing is installed.</summary>
public sealed class UpdateHandlers(RecordStore store, IdSource ids, TimeProvider clock)
{
    [XenMessage("pool_update.precheck")]
    public string PrecheckUpdate(CallContext context, Ref self, Ref host)
    {
        var update = store.Current.Get("pool_update", self);
        store.Current.Get("host", host);
        return update.Set("hosts").Contains(host.Text) ? throw new XenException("UPDATE_ALREADY_APPLIED", self.Text) : "ok";
    }

    [XenMessage("pool_update.apply")]
    public void ApplyUpdate(CallContext context, Ref self, Ref host) => store.Commit(unit =>
    {
        var update = unit.Get("pool_update", self);
        unit.Get("host", host);
        if (update.Set("hosts").Contains(host.Text))
            throw new XenException("UPDATE_ALREADY_APPLIED", self.Text);
        Apply(unit, self.Text, host.Text);
    });

    [XenMessage("pool_update.pool_apply")]
    public void ApplyUpdateToPool(CallContext context, Ref self) => store.Commit(unit =>
    {
        var missing = PoolHosts.Hosts(unit).Select(h => h.Reference).Except(unit.Get("pool_update", self).Set("hosts")).ToList();
        if (missing.Count == 0)
            throw new XenException("UPDATE_ALREADY_APPLIED_IN_POOL", self.Text);
        missing.ForEach(host => Apply(unit, self.Text, host));
    });

    [XenMessage("pool_update.destroy")]
    public void DestroyUpdate(CallContext context, Ref self) => store.Commit(unit =>
    {
        if (unit.Get("pool_update", self).Set("hosts").Any())
            throw new XenException("UPDATE_IS_APPLIED");
        unit.Delete(self.Text);
    });

    [XenMessage("pool_patch.precheck")]
    public string PrecheckPatch(CallContext context, Ref self, Ref host)
    {
        var patch = store.Current.Get("pool_patch", self);
        store.Current.Get("host", host);
        return Applied(store.Current, patch, host.Text) is null ? "" : throw new XenException("PATCH_ALREADY_APPLIED", self.Text);
    }

    [XenMessage("pool_patch.apply")]
    public string ApplyPatch(CallContext context, Ref self, Ref host) => store.Commit(unit =>
    {
        var patch = unit.Get("pool_patch", self);
        unit.Get("host", host);
        Patch(unit, patch, host.Text);
        return "";
    });

    [XenMessage("pool_patch.pool_apply")]
    public void ApplyPatchToPool(CallContext context, Ref self) => store.Commit(unit =>
    {
        var patch = unit.Get("pool_patch", self);
        foreach (var host in PoolHosts.Hosts(unit))
        {
            if (Applied(unit, patch, host.Reference) is null)
                Patch(unit, patch, host.Reference);
        }

        unit.Set(self.Text, "pool_applied", true);
    });

    [XenMessage("pool_patch.destroy")]
    public void DestroyPatch(CallContext context, Ref self) => store.Commit(unit =>
    {
        if (unit.Get("pool_patch", self).Set("host_patches").Select(unit.Find).OfType<Record>().Any(h => h.Flag("applied")))
            throw new XenException("PATCH_IS_APPLIED");
        unit.Delete(self.Text);
    });

    [XenMessage("host_patch.destroy")]
    public void DestroyHostPatch(CallContext context, Ref self) => store.Commit(unit => unit.Delete(unit.Get("host_patch", self).Reference));

    [XenMessage("host_patch.apply")]
    public string ApplyHostPatch(CallContext context, Ref self) => store.Commit(unit =>
    {
        var patch = unit.Get("host_patch", self);
        if (patch.Flag("applied"))
            throw new XenException("PATCH_ALREADY_APPLIED", self.Text);
        unit.Set(self.Text, "applied", true);
        unit.Set(self.Text, "timestamp_applied", XenDate.Format(clock.GetUtcNow()));
        return "";
    });

    [XenMessage("host_crashdump.destroy")]
    public void DestroyCrashDump(CallContext context, Ref self) => store.Commit(unit => unit.Delete(unit.Get("host_crashdump", self).Reference));

    private void Apply(UnitOfWork unit, string update, string host)
    {
        var target = unit.Get("host", host);
        unit.Set(host, "updates", XenArray.Of(target.Set("updates").Append(update).Distinct()));
        if (unit.Get("pool_update", update).Set("after_apply_guidance").Contains("restartHost"))
            unit.Set(host, "updates_requiring_reboot", XenArray.Of(target.Set("updates_requiring_reboot").Append(update).Distinct()));
    }

    private static Record? Applied(IRecords records, Record patch, string host) =>
        patch.Set("host_patches").Select(records.Find).OfType<Record>().FirstOrDefault(h => h.Target("host") == host && h.Flag("applied"));

    private void Patch(UnitOfWork unit, Record patch, string host)
    {
        if (Applied(unit, patch, host) is not null)
            throw new XenException("PATCH_ALREADY_APPLIED", patch.Reference);
        unit.Insert(
            unit.Model.Class("host_patch"),
            ids.NewReference(),
            [
                ("uuid", ids.NewUuidText()),
                ("name_label", patch.Text("name_label")),
                ("name_description", patch.Text("name_description")),
                ("version", patch.Text("version")),
                ("host", host),
                ("applied", true),
                ("timestamp_applied", XenDate.Format(clock.GetUtcNow())),
                ("pool_patch", patch.Reference),
                ("size", patch.Int("size")),
            ]);
    }
}
