using XapiCompat.Disks;
using XapiCompat.Disks.Raw;

namespace XapiCompat.Storage.Tests.RawFiles;

/// <summary>A plain file whose data gets another name with the first write after somebody has seen the old one.</summary>
internal sealed class RawFileDevice(RawVolume volume, DatapathMode mode) : IBlockDevice
{
    private readonly RawFile _file = new(volume.DataPath, mode == DatapathMode.ReadWrite);

    public long VirtualSize => _file.VirtualSize;

    public ValueTask ReadAsync(long offset, Memory<byte> buffer, CancellationToken cancellationToken = default) =>
        _file.ReadAsync(offset, buffer, cancellationToken);

    public ValueTask WriteAsync(long offset, ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
    {
        BeforeWrite();
        return _file.WriteAsync(offset, buffer, cancellationToken);
    }

    public ValueTask ZeroAsync(long offset, long length, CancellationToken cancellationToken = default)
    {
        BeforeWrite();
        return _file.ZeroAsync(offset, length, cancellationToken);
    }

    public ValueTask FlushAsync(CancellationToken cancellationToken = default) => _file.FlushAsync(cancellationToken);

    public ValueTask<IReadOnlyList<Extent>> ExtentsAsync(long offset, long length, CancellationToken cancellationToken = default) =>
        _file.ExtentsAsync(offset, length, cancellationToken);

    public ValueTask DisposeAsync() => _file.DisposeAsync();

    private void BeforeWrite()
    {
        lock (volume)
        {
            if (mode == DatapathMode.Read || !volume.Observed)
                return;
            volume.Observed = false;
            volume.DataId = Guid.NewGuid();
            volume.Save();
        }
    }
}
