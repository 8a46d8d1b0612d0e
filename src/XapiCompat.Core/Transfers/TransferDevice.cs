using XapiCompat.Disks;

namespace XapiCompat.Core.Transfers;

/// <summary>A disk lent to one transfer: closing it also gives back what was taken for it.</summary>
internal sealed class TransferDevice(IBlockDevice inner, Func<ValueTask> afterClose) : IBlockDevice
{
    private bool _closed;

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

    public async ValueTask DisposeAsync()
    {
        if (_closed)
            return;
        _closed = true;
        try
        {
            await inner.DisposeAsync();
        }
        finally
        {
            await afterClose();
        }
    }
}
