namespace XapiCompat.Disks.Vhd;

public sealed partial class VhdChain
{
    public ValueTask ReadAsync(long offset, Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        CheckRange(offset, buffer.Length);
        while (buffer.Length > 0)
        {
            cancellationToken.ThrowIfCancellationRequested();
            var (block, inBlock) = ((int)(offset / Leaf.BlockSize), (int)(offset % Leaf.BlockSize));
            var count = Math.Min(buffer.Length, Leaf.BlockSize - inBlock);
            ReadBlock(block, inBlock, buffer.Span[..count]);
            buffer = buffer[count..];
            offset += count;
        }

        return ValueTask.CompletedTask;
    }

    private void ReadBlock(int block, int offset, Span<byte> buffer) =>
        ReadFrom(Leaf.IsAllocated(block) ? 0 : _parents.Find(block), block, offset, buffer);

    /// <summary>Reads from the layer downwards; 0 stands for the leaf if it stores the block, else for no layer.</summary>
    private void ReadFrom(int index, int block, int offset, Span<byte> buffer)
    {
        var layer = _layers[index];
        if (!layer.IsAllocated(block))
        {
            buffer.Clear();
            return;
        }

        // A parent may be smaller than its child and end inside this block.
        var limit = layer.SectorsIn(block) * VhdLimits.SectorSize;
        var bitmap = layer.Bitmap(block);
        while (buffer.Length > 0)
        {
            var (count, isStored) = NextRun(bitmap, offset, buffer.Length, limit);
            var run = buffer[..count];
            if (isStored)
                layer.ReadStored(block, offset, run);
            else
                ReadBelow(index, block, offset, run);
            buffer = buffer[count..];
            offset += count;
        }
    }

    private static (int Count, bool IsStored) NextRun(byte[]? bitmap, int offset, int length, int limit)
    {
        if (offset >= limit)
            return (length, false);
        length = Math.Min(length, limit - offset);
        if (bitmap is null)
            return (length, true);
        var sector = offset / VhdLimits.SectorSize;
        var sectors = (offset + length - 1) / VhdLimits.SectorSize - sector + 1;
        var end = (sector + SectorBitmap.RunLength(bitmap, sector, sectors)) * VhdLimits.SectorSize;
        return (Math.Min(end - offset, length), SectorBitmap.IsSet(bitmap, sector));
    }

    private void ReadBelow(int index, int block, int offset, Span<byte> buffer)
    {
        for (var below = index + 1; below < _layers.Length; below++)
        {
            if (!_layers[below].IsAllocated(block))
                continue;
            ReadFrom(below, block, offset, buffer);
            return;
        }

        buffer.Clear();
    }
}
