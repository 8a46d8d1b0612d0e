using XapiCompat.Core.Services;
using XapiCompat.Nbd;
using XapiCompat.Store;

namespace XapiCompat.Server.Nbd;

/// <summary>What changed in a disk since older tracked ones, by their uuids: what VDI.list_changed_blocks(older, disk) answers.</summary>
internal sealed class DirtyBitmaps(RecordStore store, StorageHost storage, string vdi) : INbdBitmaps
{
    /// <summary>Of the tracked disks of an SR, the youngest are tried when a client asks which there are.</summary>
    private const int MostTried = 1000;

    public async ValueTask<IReadOnlyList<string>> ListAsync(CancellationToken cancellationToken)
    {
        if (store.Current.Find(vdi) is not { } to || !to.Flag("cbt_enabled") || store.Current.Find(to.Target("SR")) is not { } sr)
            return [];
        var names = new List<string>();
        var tracked = sr.Set("VDIs").Select(store.Current.Find).OfType<Record>()
            .Where(v => v.Reference != vdi && IsTracked(v))
            .OrderByDescending(v => v.Text("snapshot_time"), StringComparer.Ordinal)
            .Take(MostTried)
            .ToList();
        foreach (var from in tracked)
        {
            if (await CompareAsync(from, to, cancellationToken) is not null)
                names.Add(from.Uuid);
        }

        return names;
    }

    public async ValueTask<NbdBitmap?> LoadAsync(string name, CancellationToken cancellationToken)
    {
        var current = store.Current;
        return current.Find(vdi) is { } to && current.FindByUuid(store.Model.Class("VDI"), name) is { } from && IsTracked(from) && from.Target("SR") == to.Target("SR")
            ? await CompareAsync(from, to, cancellationToken)
            : null;
    }

    private static bool IsTracked(Record disk) => disk.Flag("cbt_enabled") || disk.Text("type") == "cbt_metadata";

    private async ValueTask<NbdBitmap?> CompareAsync(Record from, Record to, CancellationToken cancellationToken)
    {
        if (store.Current.Find(to.Target("SR")) is not { } sr || storage.TryAttached(sr) is not { } attached)
            return null;
        try
        {
            var changes = await attached.ListChangedBlocksAsync(from.Text("location"), to.Text("location"), cancellationToken);
            return new(changes.Granularity, changes.Bitmap);
        }
        catch (Exception e) when (StorageErrors.IsForeseen(e))
        {
            // One does not descend from the other.
            return null;
        }
    }
}
