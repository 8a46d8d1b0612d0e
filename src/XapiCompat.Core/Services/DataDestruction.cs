using XapiCompat.Core.Dispatch;
using XapiCompat.Core.Operations;
using XapiCompat.Storage;
using XapiCompat.Store;
using XapiCompat.Values;

namespace XapiCompat.Core.Services;

/// <summary>
/// VDI.data_destroy: the data of a snapshot goes, its record and its note of changed blocks stay. The new type is there first, so that no VBD
/// is made meanwhile, and is taken back when VBDs do not go.
/// </summary>
public sealed class DataDestruction(RecordStore store, StorageHost storage, VolumeRecords records, OperationGuard guard, IdSource ids, TimeProvider clock)
{
    private const string Operation = "data_destroy";
    private const string Metadata = "cbt_metadata";
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(4);

    public async ValueTask RunAsync(CallContext context, Ref self)
    {
        var vdi = store.Current.Get("VDI", self);
        if (VdiOperations.Check(store.Current, vdi, Operation) is { Code: not "OTHER_OPERATION_IN_PROGRESS" } refusal)
            throw refusal.AsException();
        var sr = store.Current.Get("SR", vdi.Target("SR"));
        var attached = storage.Attached(sr);
        VdiService.RequireManaged(vdi);
        if (vdi.Text("type") == Metadata)
            return;
        var key = vdi.Text("location");
        Intent? waiting = null;
        await using var scope = await guard.BeginAsync(
            context,
            [new("SR", sr.Reference, "vdi_" + Operation), new("VDI", self.Text, Operation)],
            unit =>
            {
                var type = unit.Get("VDI", self).Text("type");
                if (type == Metadata)
                    return;
                waiting = CbtIntents.Wait(ids, sr.Uuid, key, type);
                unit.BeginIntent(waiting);
                SetType(unit, self.Text, Metadata);
            });

        // Somebody else did it while this call waited.
        if (waiting is null)
            return;
        var destroying = CbtIntents.Destroy(ids, sr.Uuid, key);
        try
        {
            await WaitForVbdsAsync(self, context.Cancellation);
            await ClosingDatapaths.WaitAsync(attached, key, clock, context.Cancellation);
            store.Commit(unit =>
            {
                unit.EndIntent(waiting.Id);
                unit.BeginIntent(destroying);
            });
            var changes = await VdiService.Translated(() => attached.DataDestroyAsync(key, context.Cancellation), sr, self.Text, Operation);
            store.Commit(unit =>
            {
                records.Apply(unit, sr, changes);
                unit.EndIntent(destroying.Id);
                scope.End(unit);
            });
        }
        catch
        {
            var left = await LookAsync(attached, key);
            store.TryCommit(storage, sr.Uuid, unit =>
            {
                if (left is { Kind: VolumeKind.CbtMetadata })
                    records.Apply(unit, sr, new(left, [left], []));
                else if (unit.Find(self.Text) is not null)
                    SetType(unit, self.Text, CbtIntents.FormerType(waiting));
                unit.EndIntent(waiting.Id);
                unit.EndIntent(destroying.Id);
            });
            throw;
        }
    }

    /// <summary>A disk without data counts for nothing in its SR.</summary>
    internal static void SetType(UnitOfWork unit, string vdi, string type)
    {
        unit.Set(vdi, "type", type);
        if (unit.Find(unit.Find(vdi)!.Target("SR")) is { } sr)
            VolumeRecords.UpdateAllocation(unit, sr);
    }

    private async ValueTask WaitForVbdsAsync(Ref self, CancellationToken cancellationToken)
    {
        var start = clock.GetTimestamp();
        while (true)
        {
            var generation = store.Current.Generation;
            if (!store.Current.Get("VDI", self).Set("VBDs").Any())
                return;
            var left = Patience - clock.GetElapsedTime(start);
            if (left <= TimeSpan.Zero)
                throw new XenException("VDI_IN_USE", self.Text, Operation);
            try
            {
                await store.NextCommitAsync(generation).WaitAsync(left, clock, cancellationToken);
            }
            catch (TimeoutException)
            {
            }
        }
    }

    private static async ValueTask<VolumeInfo?> LookAsync(AttachedSr attached, string key)
    {
        try
        {
            return await attached.StatVolumeAsync(key, CancellationToken.None);
        }
        catch (Exception e) when (StorageErrors.IsForeseen(e))
        {
            return null;
        }
    }
}
