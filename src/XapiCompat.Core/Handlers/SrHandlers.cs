using XapiCompat.Core.Dispatch;
using XapiCompat.Core.Operations;
using XapiCompat.Core.Services;
using XapiCompat.Store;
using XapiCompat.Values;

namespace XapiCompat.Core.Handlers;

public sealed class SrHandlers(RecordStore store, StorageHost storage, VolumeRecords records, OperationGuard guard)
{
    /// <summary>Makes the VDIs equal to what lies in the SR. Drive SRs of this host have no devices and stay empty.</summary>
    [XenMessage("SR.scan")]
    public async ValueTask Scan(CallContext context, Ref sr)
    {
        var record = store.Current.Get("SR", sr);
        if (!SrFacts.IsPlugged(store.Current, record))
            throw new XenException("SR_HAS_NO_PBDS", sr.Text);
        await using var scope = await guard.BeginAsync(context, [new("SR", sr.Text, "scan")]);
        if (storage.TryAttached(record) is not { } attached)
            return;
        try
        {
            await SrContent.CommitAsync(
                store,
                records,
                record,
                attached,
                (unit, content) =>
                {
                    records.Synchronise(unit, record, content.Volumes, content.Stat, store.Intents);
                    unit.Set(sr.Text, "other_config", unit.Find(sr.Text)!.Map("other_config").Without("dirty"));
                    scope.End(unit);
                },
                context.Cancellation);
        }
        catch (Exception e) when (StorageErrors.IsForeseen(e))
        {
            throw StorageErrors.Translate(e, sr.Text, "", "scan").AsException();
        }
    }

    /// <summary>Brings the sizes up to date; which disks there are is for a scan to find.</summary>
    [XenMessage("SR.update")]
    public async ValueTask Update(CallContext context, Ref sr)
    {
        var record = store.Current.Get("SR", sr);
        if (!SrFacts.IsPlugged(store.Current, record))
            throw new XenException("SR_HAS_NO_PBDS", sr.Text);
        if (!SrFacts.HasFeature(store.Current, record, "SR_UPDATE"))
            throw new XenException("SR_OPERATION_NOT_SUPPORTED", sr.Text);
        if (storage.TryAttached(record) is not { } attached)
            return;
        try
        {
            await SrContent.CommitAsync(
                store,
                records,
                record,
                attached,
                (unit, content) => VolumeRecords.Measure(unit, unit.Get("SR", sr), content.Volumes, content.Stat),
                context.Cancellation);
        }
        catch (Exception e) when (StorageErrors.IsForeseen(e))
        {
            throw StorageErrors.Translate(e, sr.Text, "", "update").AsException();
        }
    }

    [XenMessage("SR.set_name_label")]
    public void SetNameLabel(CallContext context, Ref sr, string value) => Set(sr, "name_label", value);

    [XenMessage("SR.set_name_description")]
    public void SetNameDescription(CallContext context, Ref sr, string value) => Set(sr, "name_description", value);

    [XenMessage("SR.get_supported_types")]
    public XenArray SupportedTypes(CallContext context) =>
        XenArray.Of(store.Current.All(store.Model.Class("SM")).Select(s => s.Text("type")));

    private void Set(Ref sr, string field, string value) => store.Commit(unit =>
    {
        unit.Get("SR", sr);
        unit.Set(sr.Text, field, Storable.Clean(value));
    });
}
