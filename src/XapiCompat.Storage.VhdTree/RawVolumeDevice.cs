using XapiCompat.Disks;
using XapiCompat.Disks.Raw;

namespace XapiCompat.Storage.VhdTree;

/// <summary>One datapath to a plain file. The first write that follows a look at the data's id gives it a new one.</summary>
internal sealed class RawVolumeDevice(RawVolume volume, RawFile file, DatapathMode mode, TreeDirectory directory) : IBlockDevice
{
    public long VirtualSize => file.VirtualSize;

    public ValueTask ReadAsync(long offset, Memory<byte> buffer, CancellationToken cancellationToken = default) =>
        file.ReadAsync(offset, buffer, cancellationToken);

    public async ValueTask WriteAsync(long offset, ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
    {
        try
        {
            await BeforeWriteAsync(cancellationToken);
            await file.WriteAsync(offset, buffer, cancellationToken);
        }
        catch (IOException e) when (Faults.IsNoSpace(e))
        {
            throw Faults.NoSpace(e);
        }
    }

    public async ValueTask ZeroAsync(long offset, long length, CancellationToken cancellationToken = default)
    {
        try
        {
            await BeforeWriteAsync(cancellationToken);
            await file.ZeroAsync(offset, length, cancellationToken);
        }
        catch (IOException e) when (Faults.IsNoSpace(e))
        {
            throw Faults.NoSpace(e);
        }
    }

    public ValueTask FlushAsync(CancellationToken cancellationToken = default) => file.FlushAsync(cancellationToken);

    public ValueTask<IReadOnlyList<Extent>> ExtentsAsync(long offset, long length, CancellationToken cancellationToken = default) =>
        file.ExtentsAsync(offset, length, cancellationToken);

    public ValueTask DisposeAsync() => file.DisposeAsync();

    private async ValueTask BeforeWriteAsync(CancellationToken cancellationToken)
    {
        if (mode == DatapathMode.Read || !volume.Observed)
            return;
        await volume.Renaming.WaitAsync(cancellationToken);
        try
        {
            if (!volume.Observed)
                return;
            var meta = volume.Meta with { DataId = Guid.NewGuid() };
            await directory.WriteMetaAsync(volume.Id, meta);
            volume.Meta = meta;
            volume.Observed = false;
        }
        finally
        {
            volume.Renaming.Release();
        }
    }
}
