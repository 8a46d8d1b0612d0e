using XapiCompat.Core.Dispatch;
using XapiCompat.Core.Services;
using XapiCompat.Store;
using XapiCompat.Values;

namespace XapiCompat.Core.Handlers;

/// <summary>Fields that storage drivers write; what a plugin keeps with the data is told to it as well.</summary>
public sealed class VdiFieldHandlers(RecordStore store, VdiService service)
{
    [XenMessage("VDI.set_managed")]
    public void SetManaged(CallContext context, Ref self, bool value) => Set(self, "managed", value);

    [XenMessage("VDI.set_missing")]
    public void SetMissing(CallContext context, Ref self, bool value) => Set(self, "missing", value);

    [XenMessage("VDI.set_virtual_size")]
    public void SetVirtualSize(CallContext context, Ref self, long value) => Set(self, "virtual_size", value);

    [XenMessage("VDI.set_physical_utilisation")]
    public void SetPhysicalUtilisation(CallContext context, Ref self, long value) => Set(self, "physical_utilisation", value);

    [XenMessage("VDI.set_metadata_of_pool")]
    public void SetMetadataOfPool(CallContext context, Ref self, Ref value) => Set(self, "metadata_of_pool", value.Text);

    [XenMessage("VDI.set_cbt_enabled")]
    public void SetCbtEnabled(CallContext context, Ref self, bool value) => Set(self, "cbt_enabled", value);

    [XenMessage("VDI.set_is_a_snapshot")]
    public ValueTask SetIsASnapshot(CallContext context, Ref self, bool value) => SetKeptAsync(context, self, "is_a_snapshot", value);

    [XenMessage("VDI.set_snapshot_of")]
    public ValueTask SetSnapshotOf(CallContext context, Ref self, Ref value) => SetKeptAsync(context, self, "snapshot_of", value.Text);

    [XenMessage("VDI.set_snapshot_time")]
    public ValueTask SetSnapshotTime(CallContext context, Ref self, XenDateTime value) => SetKeptAsync(context, self, "snapshot_time", value);

    private async ValueTask SetKeptAsync(CallContext context, Ref self, string field, XenValue value)
    {
        Set(self, field, value);
        await service.KeepAsync([self.Text], context.Cancellation);
    }

    private void Set(Ref self, string field, XenValue value) => store.Commit(unit =>
    {
        var vdi = unit.Get("VDI", self);
        unit.Set(self.Text, field, Storable.Clean(value));
        if (unit.Find(vdi.Target("SR")) is { } sr)
            VolumeRecords.UpdateAllocation(unit, sr);
    });
}
