using System.Buffers;

namespace XapiCompat.Disks.Vhd;

public sealed partial class VhdChain
{
    /// <summary>
    /// Makes the leaf store what its parents show of a block, zeroes excepted, beside writers. Returns the bytes copied. A leaf that
    /// has pulled all its blocks needs no parent.
    /// </summary>
    public int Pull(int block)
    {
        lock (Leaf.BlockLock(block))
        {
            if (_parents.Find(block) == 0)
                return 0;
            var end = Leaf.SectorsIn(block);
            var bitmap = Leaf.IsAllocated(block) ? Leaf.Bitmap(block) : new byte[SectorBitmap.ByteLength(Leaf.BlockSize)];
            if (bitmap is null || SectorBitmap.IsFull(bitmap, 0, end))
                return 0;
            return PullMissing(block, bitmap, end);
        }
    }

    private int PullMissing(int block, byte[] bitmap, int end)
    {
        var copied = 0;
        var buffer = ArrayPool<byte>.Shared.Rent(Leaf.BlockSize);
        try
        {
            for (int sector = 0, run; sector < end; sector += run)
            {
                run = SectorBitmap.RunLength(bitmap, sector, end - sector);
                if (SectorBitmap.IsSet(bitmap, sector))
                    continue;
                var data = buffer.AsMemory(0, run * VhdLimits.SectorSize);
                ReadBelow(0, block, sector * VhdLimits.SectorSize, data.Span);

                // A sector that is not stored reads as zeroes without a parent, too.
                if (!data.Span.ContainsAnyExcept((byte)0))
                    continue;
                Leaf.WriteSectors(block, sector, data);
                copied += data.Length;
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }

        return copied;
    }
}
