using XapiCompat.Store;

namespace XapiCompat.Core.Services;

/// <summary>
/// Finishes or undoes at start what an interruption left: new volumes without records vanish, doomed ones go with their
/// records, and the records of the rest follow the files.
/// </summary>
public sealed class IntentRecovery(RecordStore store, StorageHost storage, VolumeRecords records)
{
    public async ValueTask RunAsync(CancellationToken cancellationToken)
    {
        foreach (var intent in store.Intents.Where(SrIntents.Covers).ToList())
            await SrIntents.FinishAsync(store, storage, intent, cancellationToken);
        foreach (var group in store.Intents.GroupBy(i => i.Sr).ToList())
        {
            if (store.Current.FindByUuid(store.Model.Class("SR"), group.Key) is not { } sr || storage.TryAttached(sr) is not { } attached)
                continue;
            foreach (var intent in group.Where(CbtIntents.Covers))
                await CbtIntents.FinishAsync(store, records, sr, attached, intent, cancellationToken);
            foreach (var key in group.Where(i => !CbtIntents.Covers(i)).SelectMany(i => i.Keys))
                await attached.DestroyVolumeAsync(key, cancellationToken);
            var volumes = await attached.ListAsync(cancellationToken);
            var stat = await attached.StatAsync(cancellationToken);
            store.Commit(unit =>
            {
                records.Synchronise(unit, sr, volumes, stat);
                foreach (var intent in group)
                    unit.EndIntent(intent.Id);
            });
        }
    }
}
