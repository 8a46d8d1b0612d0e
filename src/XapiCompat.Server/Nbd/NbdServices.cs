using XapiCompat.Core.Exports;
using XapiCompat.Core.Transfers;
using XapiCompat.Nbd;
using XapiCompat.Store;

namespace XapiCompat.Server.Nbd;

/// <summary>What the NBD server uses of the rest.</summary>
internal sealed class NbdServices(RecordStore store, DiskTransfers transfers, LiveExports live, Func<string, IReadOnlyList<NbdDirtyBitmap>> dirtyBitmaps)
{
    /// <summary>As on a real host; more clients are turned away.</summary>
    public const int MostDiskConnections = 16;

    private int _places = MostDiskConnections;

    public RecordStore Store { get; } = store;

    public DiskTransfers Transfers { get; } = transfers;

    public LiveExports Live { get; } = live;

    /// <summary>The maps that clients of a disk may choose, by its reference.</summary>
    public Func<string, IReadOnlyList<NbdDirtyBitmap>> DirtyBitmaps { get; } = dirtyBitmaps;

    public bool TryTakePlace()
    {
        if (Interlocked.Decrement(ref _places) >= 0)
            return true;
        Interlocked.Increment(ref _places);
        return false;
    }

    public void GivePlaceBack() => Interlocked.Increment(ref _places);
}
