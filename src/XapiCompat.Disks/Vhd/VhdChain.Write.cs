using System.Buffers;

namespace XapiCompat.Disks.Vhd;

public sealed partial class VhdChain
{
    /// <summary>Giving less room back costs more than writing zeroes.</summary>
    private const int SmallestHole = 64 * 1024;

    private static readonly byte[] Zeroes = new byte[256 * 1024];

    public ValueTask WriteAsync(long offset, ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
    {
        CheckRange(offset, buffer.Length);
        while (buffer.Length > 0)
        {
            cancellationToken.ThrowIfCancellationRequested();
            var (block, inBlock) = ((int)(offset / Leaf.BlockSize), (int)(offset % Leaf.BlockSize));
            var count = Math.Min(buffer.Length, Leaf.BlockSize - inBlock);
            lock (Leaf.BlockLock(block))
                WriteBlock(block, inBlock, buffer[..count]);
            buffer = buffer[count..];
            offset += count;
        }

        return ValueTask.CompletedTask;
    }

    public ValueTask ZeroAsync(long offset, long length, CancellationToken cancellationToken = default)
    {
        CheckRange(offset, length);
        while (length > 0)
        {
            cancellationToken.ThrowIfCancellationRequested();
            var (block, inBlock) = ((int)(offset / Leaf.BlockSize), (int)(offset % Leaf.BlockSize));
            var count = (int)Math.Min(length, Leaf.BlockSize - inBlock);
            lock (Leaf.BlockLock(block))
                ZeroBlock(block, inBlock, count);
            length -= count;
            offset += count;
        }

        return ValueTask.CompletedTask;
    }

    // The caller of everything below holds the leaf's lock of the block.
    private void ZeroBlock(int block, int offset, int count)
    {
        if (!Leaf.IsAllocated(block))
        {
            if (_parents.Find(block) == 0)
                return;
            if (offset == 0 && count >= Leaf.SectorsIn(block) * VhdLimits.SectorSize)
            {
                Leaf.AllocateZeroed(block);
                return;
            }
        }

        else if (count >= SmallestHole)
        {
            var first = (offset + VhdLimits.SectorSize - 1) / VhdLimits.SectorSize;
            var end = (offset + count) / VhdLimits.SectorSize;
            if (Leaf.TryFreeSectors(block, first, end - first))
            {
                WriteZeroes(block, offset, first * VhdLimits.SectorSize - offset);
                WriteZeroes(block, end * VhdLimits.SectorSize, offset + count - end * VhdLimits.SectorSize);
                return;
            }
        }

        WriteZeroes(block, offset, count);
    }

    private void WriteZeroes(int block, int offset, int count)
    {
        for (int done = 0, step; done < count; done += step)
        {
            step = Math.Min(count - done, Zeroes.Length);
            WriteBlock(block, offset + done, Zeroes.AsMemory(0, step));
        }
    }

    private void WriteBlock(int block, int offset, ReadOnlyMemory<byte> data)
    {
        var first = offset / VhdLimits.SectorSize;
        var end = (offset + data.Length + VhdLimits.SectorSize - 1) / VhdLimits.SectorSize;
        var length = (end - first) * VhdLimits.SectorSize;
        if (length == data.Length)
        {
            Leaf.WriteSectors(block, first, data);
            return;
        }

        var sectors = ArrayPool<byte>.Shared.Rent(length);
        try
        {
            FillEdges(block, first, end, sectors);
            data.CopyTo(sectors.AsMemory(offset - first * VhdLimits.SectorSize));
            Leaf.WriteSectors(block, first, sectors.AsMemory(0, length));
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(sectors);
        }
    }

    private void FillEdges(int block, int first, int end, byte[] sectors)
    {
        ReadBlock(block, first * VhdLimits.SectorSize, sectors.AsSpan(0, VhdLimits.SectorSize));
        if (end - first > 1)
        {
            ReadBlock(block, (end - 1) * VhdLimits.SectorSize,
                sectors.AsSpan((end - first - 1) * VhdLimits.SectorSize, VhdLimits.SectorSize));
        }
    }
}
