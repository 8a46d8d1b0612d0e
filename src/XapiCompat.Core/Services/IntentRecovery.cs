using XapiCompat.Storage;
using XapiCompat.Store;

namespace XapiCompat.Core.Services;

/// <summary>
/// Finishes or undoes what an interruption left, at start or when the SR is attached later: new volumes without records vanish,
/// doomed ones go with their records, and the records of the rest follow the files.
/// </summary>
public sealed class IntentRecovery(RecordStore store, StorageHost storage, VolumeRecords records)
{
    public async ValueTask RunAsync(CancellationToken cancellationToken)
    {
        foreach (var intent in store.Intents.Where(SrIntents.Covers).ToList())
            await SrIntents.FinishAsync(store, storage, intent, cancellationToken);
        foreach (var uuid in store.Intents.Select(i => i.Sr).Distinct().ToList())
        {
            if (store.Current.FindByUuid(store.Model.Class("SR"), uuid) is { } sr)
                await FinishAsync(sr, cancellationToken);
        }
    }

    /// <summary>What concerns one SR, while nobody works in it. What fails stays open.</summary>
    public async ValueTask FinishAsync(Record sr, CancellationToken cancellationToken)
    {
        var open = store.Intents.Where(i => i.Sr == sr.Uuid && !SrIntents.Covers(i)).ToList();
        if (open.Count == 0 || storage.TryAttached(sr) is not { } attached)
            return;
        var settled = new List<Intent>();
        foreach (var intent in open)
        {
            try
            {
                await FinishAsync(sr, attached, intent, cancellationToken);
                settled.Add(intent);
            }
            catch (Exception e) when (StorageErrors.IsForeseen(e))
            {
                storage.OnProblem?.Invoke(sr.Uuid, "an interrupted " + intent.Operation + " is not cleared up: " + e.Message);
            }
        }

        var volumes = await attached.ListAsync(cancellationToken);
        var stat = await attached.StatAsync(cancellationToken);
        store.Commit(unit =>
        {
            records.Synchronise(unit, sr, volumes, stat, [.. open.Except(settled)]);
            VdiService.End(unit, settled);
        });
    }

    private async ValueTask FinishAsync(Record sr, AttachedSr attached, Intent intent, CancellationToken cancellationToken)
    {
        if (CbtIntents.Covers(intent))
        {
            await CbtIntents.FinishAsync(store, records, sr, attached, intent, cancellationToken);
            return;
        }

        foreach (var key in intent.Keys)
            await attached.DestroyVolumeAsync(key, cancellationToken);
    }
}
