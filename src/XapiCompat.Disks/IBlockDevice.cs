namespace XapiCompat.Disks;

/// <summary>
/// A disk that is read and written by position. Safe for concurrent calls: readers run side by side; a write is
/// visible to every read that starts after it returned. Offsets and lengths are bytes; any alignment is allowed.
/// Ranges outside the disk throw <see cref="ArgumentOutOfRangeException"/> before anything is touched.
/// </summary>
public interface IBlockDevice : IAsyncDisposable
{
    /// <summary>Size that a guest sees, in bytes.</summary>
    long VirtualSize { get; }

    /// <summary>Fills the whole buffer: there are no short reads. The buffer belongs to the caller again on return.</summary>
    ValueTask ReadAsync(long offset, Memory<byte> buffer, CancellationToken cancellationToken = default);

    /// <summary>Writes the whole buffer. Durable only after <see cref="FlushAsync"/>.</summary>
    ValueTask WriteAsync(long offset, ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default);

    /// <summary>Makes a range read as zeroes, without storing zeroes where the format can avoid it.</summary>
    ValueTask ZeroAsync(long offset, long length, CancellationToken cancellationToken = default);

    /// <summary>Returns when everything written before the call is on stable storage.</summary>
    ValueTask FlushAsync(CancellationToken cancellationToken = default);

    /// <summary>
    /// The allocation of a range, from metadata alone: ascending, gapless, clipped to the range; neighbours differ in kind.
    /// </summary>
    ValueTask<IReadOnlyList<Extent>> ExtentsAsync(long offset, long length, CancellationToken cancellationToken = default);
}

/// <summary>A run of bytes of one kind.</summary>
/// <param name="Offset">First byte.</param>
/// <param name="Length">Bytes, above zero.</param>
/// <param name="Kind">What a reader finds there.</param>
public readonly record struct Extent(long Offset, long Length, ExtentKind Kind)
{
    public long End => Offset + Length;
}

public enum ExtentKind
{
    /// <summary>Stored somewhere; may still be zeroes.</summary>
    Data,

    /// <summary>Not stored in any layer: reads as zeroes.</summary>
    Zero,
}
