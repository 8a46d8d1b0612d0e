using XapiCompat.Core.Exports;
using XapiCompat.Core.Services;
using XapiCompat.Core.Transfers;
using XapiCompat.Store;

namespace XapiCompat.Server.Nbd;

/// <summary>What the NBD server uses of the rest.</summary>
internal sealed class NbdServices(RecordStore store, DiskTransfers transfers, LiveExports live, StorageHost storage)
{
    /// <summary>As on a real host; more clients are turned away.</summary>
    public const int MostDiskConnections = 16;

    private int _places = MostDiskConnections;

    public RecordStore Store { get; } = store;

    public DiskTransfers Transfers { get; } = transfers;

    public LiveExports Live { get; } = live;

    public StorageHost Storage { get; } = storage;

    public bool TryTakePlace()
    {
        if (Interlocked.Decrement(ref _places) >= 0)
            return true;
        Interlocked.Increment(ref _places);
        return false;
    }

    public void GivePlaceBack() => Interlocked.Increment(ref _places);
}
