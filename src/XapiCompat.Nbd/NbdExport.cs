using XapiCompat.Disks;

namespace XapiCompat.Nbd;

/// <summary>One disk as one connection sees it. The connection disposes of it when it ends.</summary>
public sealed class NbdExport : IAsyncDisposable
{
    private int _released;

    public required string Name { get; init; }

    public string Description { get; init; } = "";

    /// <summary>Belongs to whoever opened the export; <see cref="Release"/> closes it where that is due.</summary>
    public required IBlockDevice Device { get; init; }

    public required bool ReadOnly { get; init; }

    /// <summary>Maps of what changed since older states of the disk, offered as <c>qemu:dirty-bitmap:NAME</c>; null: there are none.</summary>
    public INbdBitmaps? DirtyBitmaps { get; init; }

    /// <summary>Cancelled when the export ends before its clients do: requests under way are answered, others not read.</summary>
    public CancellationToken Ending { get; init; }

    /// <summary>Called once, when the connection needs the device no more.</summary>
    public Func<ValueTask> Release { get; init; } = () => ValueTask.CompletedTask;

    public ValueTask DisposeAsync() => Interlocked.Exchange(ref _released, 1) == 0 ? Release() : ValueTask.CompletedTask;
}
