using XapiCompat.Disks;

namespace XapiCompat.Server.Tests.Transfers;

/// <summary>A device that a transfer may dispose while the test keeps the disk.</summary>
internal sealed class BorrowedDevice(IBlockDevice inner, Action onDispose) : IBlockDevice
{
    public long VirtualSize => inner.VirtualSize;

    public ValueTask ReadAsync(long offset, Memory<byte> buffer, CancellationToken cancellationToken = default) =>
        inner.ReadAsync(offset, buffer, cancellationToken);

    public ValueTask WriteAsync(long offset, ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default) =>
        inner.WriteAsync(offset, buffer, cancellationToken);

    public ValueTask ZeroAsync(long offset, long length, CancellationToken cancellationToken = default) =>
        inner.ZeroAsync(offset, length, cancellationToken);

    public ValueTask FlushAsync(CancellationToken cancellationToken = default) => inner.FlushAsync(cancellationToken);

    public ValueTask<IReadOnlyList<Extent>> ExtentsAsync(long offset, long length, CancellationToken cancellationToken = default) =>
        inner.ExtentsAsync(offset, length, cancellationToken);

    public ValueTask DisposeAsync()
    {
        onDispose();
        return default;
    }
}
