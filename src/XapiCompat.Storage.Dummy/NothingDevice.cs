using XapiCompat.Disks;

namespace XapiCompat.Storage.Dummy;

/// <summary>Takes every write and reads as zeroes.</summary>
internal sealed class NothingDevice(long size, bool writable) : IBlockDevice
{
    public long VirtualSize => size;

    public ValueTask ReadAsync(long offset, Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        Check(offset, buffer.Length);
        buffer.Span.Clear();
        return ValueTask.CompletedTask;
    }

    public ValueTask WriteAsync(long offset, ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default) => TakeAsync(offset, buffer.Length);

    public ValueTask ZeroAsync(long offset, long length, CancellationToken cancellationToken = default) => TakeAsync(offset, length);

    public ValueTask FlushAsync(CancellationToken cancellationToken = default) => ValueTask.CompletedTask;

    public ValueTask<IReadOnlyList<Extent>> ExtentsAsync(long offset, long length, CancellationToken cancellationToken = default)
    {
        Check(offset, length);
        return ValueTask.FromResult<IReadOnlyList<Extent>>(length == 0 ? [] : [new Extent(offset, length, ExtentKind.Zero)]);
    }

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    private ValueTask TakeAsync(long offset, long length)
    {
        Check(offset, length);
        return writable ? ValueTask.CompletedTask : throw new InvalidOperationException("The datapath is read-only.");
    }

    private void Check(long offset, long length)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(offset);
        ArgumentOutOfRangeException.ThrowIfNegative(length);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(length, size - offset);
    }
}
