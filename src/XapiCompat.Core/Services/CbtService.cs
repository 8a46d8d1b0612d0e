using XapiCompat.Core.Dispatch;
using XapiCompat.Core.Networking;
using XapiCompat.Core.Operations;
using XapiCompat.Storage;
using XapiCompat.Store;
using XapiCompat.Values;

namespace XapiCompat.Core.Services;

/// <summary>Changed-block tracking: switched on and off, and asked what changed.</summary>
public sealed class CbtService(RecordStore store, StorageHost storage, VolumeRecords records, OperationGuard guard)
{
    public ValueTask EnableAsync(CallContext context, Ref self) => SwitchAsync(context, self, "enable_cbt", (sr, key) => sr.EnableCbtAsync(key, context.Cancellation));

    public ValueTask DisableAsync(CallContext context, Ref self) => SwitchAsync(context, self, "disable_cbt", (sr, key) => sr.DisableCbtAsync(key, context.Cancellation));

    /// <summary>The blocks that were written between two states of a disk, as base64 of a bit for every 64 KiB.</summary>
    public async ValueTask<string> ListChangedBlocksAsync(CallContext context, Ref from, Ref to)
    {
        const string Operation = "list_changed_blocks";
        var (source, target) = (store.Current.Get("VDI", from), store.Current.Get("VDI", to));
        Refuse(target, Operation);
        var sr = store.Current.Get("SR", source.Target("SR"));
        var attached = storage.Attached(sr);
        VdiService.RequireManaged(source);
        VdiService.RequireManaged(target);
        await using var scope = await guard.BeginAsync(context, [new("SR", sr.Reference, "vdi_" + Operation), new("VDI", to.Text, Operation)]);
        var changes = await VdiService.Translated(
            () => target.Target("SR") == sr.Reference
                ? attached.ListChangedBlocksAsync(source.Text("location"), target.Text("location"), context.Cancellation)
                : throw new StorageException(StorageFault.CbtChangedBlocks, "the VDIs are in two SRs [opterr=Source and target VDI are unrelated]"),
            sr,
            to.Text,
            Operation);
        return Convert.ToBase64String(changes.Bitmap.Span);
    }

    private async ValueTask SwitchAsync(CallContext context, Ref self, string operation, Func<AttachedSr, string, ValueTask<VolumeChanges>> change)
    {
        var vdi = store.Current.Get("VDI", self);
        Refuse(vdi, operation);
        if (operation == "enable_cbt")
            PoolFacts.RequireFeature(store.Current, "CBT");
        var sr = store.Current.Get("SR", vdi.Target("SR"));
        var attached = storage.Attached(sr);
        VdiService.RequireManaged(vdi);
        await using var scope = await guard.BeginAsync(context, [new("SR", sr.Reference, "vdi_" + operation), new("VDI", self.Text, operation)]);
        var changes = await VdiService.Translated(() => change(attached, vdi.Text("location")), sr, self.Text, operation);
        store.Commit(unit =>
        {
            records.Apply(unit, sr, changes, lost: null);
            scope.End(unit);
        });
    }

    private void Refuse(Record vdi, string operation)
    {
        if (VdiOperations.Check(store.Current, vdi, operation) is { Code: not "OTHER_OPERATION_IN_PROGRESS" } refusal)
            throw refusal.AsException();
    }
}
