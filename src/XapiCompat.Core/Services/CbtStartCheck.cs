using XapiCompat.Store;

namespace XapiCompat.Core.Services;

/// <summary>Compares at start what records say of tracking with what is there: a loss of power may have cost it.</summary>
public sealed class CbtStartCheck(RecordStore store, StorageHost storage, VolumeRecords records)
{
    public async ValueTask RunAsync(CancellationToken cancellationToken)
    {
        var tracked = store.Current.All(store.Model.Class("VDI")).Where(v => v.Flag("cbt_enabled") && v.Flag("managed")).GroupBy(v => v.Target("SR")).ToList();
        foreach (var group in tracked)
        {
            if (store.Current.Find(group.Key) is not { } sr || storage.TryAttached(sr) is not { } attached)
                continue;
            var lost = new List<Storage.VolumeInfo>();
            foreach (var vdi in group)
            {
                try
                {
                    if (await attached.StatVolumeAsync(vdi.Text("location"), cancellationToken) is { CbtEnabled: false } volume)
                        lost.Add(volume);
                }
                catch (Exception e) when (StorageErrors.IsForeseen(e))
                {
                    // A disk that is not there is a scan's business.
                }
            }

            if (lost.Count > 0)
                store.Commit(unit => records.Apply(unit, sr, new(null, lost, [])));
        }
    }
}
