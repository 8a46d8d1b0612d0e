using System.Buffers;

namespace XapiCompat.Disks.Vhd;

public sealed partial class VhdFile
{
    /// <summary>
    /// Writes all data of this layer into its parent, sector by sector, and flushes the parent, which grows to this
    /// layer's virtual size if it is smaller. May be repeated after an interruption.
    /// </summary>
    /// <param name="before">Awaited before each block, with its number: the place to slow down, to count or to stop.</param>
    public async ValueTask CoalesceIntoAsync(
        VhdFile parent, Func<int, CancellationToken, ValueTask>? before = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(parent);
        if (DiskType != VhdDiskType.Differencing || ParentUniqueId != parent.UniqueId)
            throw new VhdFormatException(VhdFormatError.ParentMismatch, parent.Path + " is not the parent of " + Path);
        if (parent.BlockSize != BlockSize)
            throw new VhdFormatException(VhdFormatError.BlockSize, parent.Path + " has other blocks than " + Path);
        if (parent.VirtualSize < VirtualSize)
            await parent.ResizeAsync(VirtualSize, cancellationToken);
        await Task.Run(() => CopyBlocksAsync(parent, before, cancellationToken), cancellationToken);
        await parent.FlushAsync(cancellationToken);
    }

    private async Task CopyBlocksAsync(VhdFile parent, Func<int, CancellationToken, ValueTask>? before, CancellationToken cancellationToken)
    {
        var buffer = ArrayPool<byte>.Shared.Rent(BlockSize);
        try
        {
            foreach (var block in AllocatedBlocks())
            {
                cancellationToken.ThrowIfCancellationRequested();
                if (before is not null)
                    await before(block, cancellationToken);
                CopyBlock(block, parent, buffer);
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    private void CopyBlock(int block, VhdFile parent, byte[] buffer)
    {
        var bitmap = Bitmap(block);
        var end = SectorsIn(block);
        for (int sector = 0, run; sector < end; sector += run)
        {
            run = bitmap is null ? end : SectorBitmap.RunLength(bitmap, sector, end - sector);
            if (bitmap is not null && !SectorBitmap.IsSet(bitmap, sector))
                continue;
            var data = buffer.AsMemory(0, run * VhdLimits.SectorSize);
            ReadStored(block, sector * VhdLimits.SectorSize, data.Span);
            lock (parent.BlockLock(block))
            {
                // Zeroes over nothing are nothing, unless a grandparent shows through.
                if (parent.IsAllocated(block) || parent.DiskType == VhdDiskType.Differencing || data.Span.ContainsAnyExcept((byte)0))
                    parent.WriteSectors(block, sector, data);
            }
        }
    }
}
