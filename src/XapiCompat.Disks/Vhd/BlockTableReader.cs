using System.Buffers;
using System.Buffers.Binary;

namespace XapiCompat.Disks.Vhd;

/// <summary>Reads the BAT and makes sure that no byte of the file serves two purposes.</summary>
/// <param name="limit">Where blocks must end: the trailing footer or the end of the file.</param>
/// <param name="metadata">Ranges that no block may touch.</param>
internal sealed class BlockTableReader(
    VhdIo io,
    Action<VhdFinding> report,
    DynamicHeader header,
    long limit,
    List<(long Start, long End)> metadata)
{
    private const int ChunkEntries = 16 * BlockTable.PageEntries;

    // A block is whole even where the virtual size ends inside it.
    private readonly long _blockBytes = SectorBitmap.ByteLength((int)header.BlockSize) + (long)header.BlockSize;
    private readonly List<ulong> _order = [];
    private long _allocated;
    private bool _failed;

    /// <summary>End of the last block; 0 without blocks.</summary>
    public long DataEnd { get; private set; }

    /// <summary>Null when the table cannot be relied on.</summary>
    public BlockTable? Read()
    {
        var entries = (int)header.MaxTableEntries;
        var table = new BlockTable(entries);
        var bytes = ArrayPool<byte>.Shared.Rent(ChunkEntries * sizeof(uint));
        try
        {
            for (var first = 0; first < entries && !_failed; first += ChunkEntries)
            {
                var chunk = bytes.AsSpan(0, Math.Min(ChunkEntries, entries - first) * sizeof(uint));
                io.Read(header.TableOffset + (long)first * sizeof(uint), chunk);
                ReadChunk(table, first, chunk);
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(bytes);
        }

        CheckOverlaps();
        return _failed ? null : table;
    }

    private void ReadChunk(BlockTable table, int first, ReadOnlySpan<byte> chunk)
    {
        while (chunk.IndexOfAnyExcept((byte)0xFF) is var skip and >= 0)
        {
            skip &= ~(sizeof(uint) - 1);
            first += skip / sizeof(uint);
            chunk = chunk[skip..];
            var sector = BinaryPrimitives.ReadUInt32BigEndian(chunk);
            if (Accept(first, sector))
                table.Set(first, sector);
            else if (_allocated > limit / header.BlockSize + 1)
                return;
            first++;
            chunk = chunk[sizeof(uint)..];
        }
    }

    private bool Accept(int block, uint sector)
    {
        var start = (long)sector * VhdLimits.SectorSize;
        var end = start + _blockBytes;

        // More blocks than the file has room for cannot be apart; stopping here bounds time and memory.
        if (++_allocated > limit / header.BlockSize + 1)
            return Fail(VhdFormatError.BlockOverlapsBlock, block, "more blocks than the file has room for");
        if (metadata.Exists(range => start < range.End && range.Start < end))
            return Fail(VhdFormatError.BlockOverlapsMetadata, block, "block " + block + " at " + start);
        if (end > limit)
            return Fail(VhdFormatError.BlockPastEnd, block, "block " + block + " at " + start);
        DataEnd = Math.Max(DataEnd, end);
        _order.Add((ulong)sector << 32 | (uint)block);
        return true;
    }

    private void CheckOverlaps()
    {
        var sorted = true;
        for (var index = 1; index < _order.Count && sorted; index++)
            sorted = _order[index - 1] < _order[index];
        if (!sorted)
            _order.Sort();
        for (var index = 1; index < _order.Count; index++)
        {
            var before = (int)(uint)_order[index - 1];
            var block = (int)(uint)_order[index];
            var end = (long)(_order[index - 1] >> 32) * VhdLimits.SectorSize + _blockBytes;
            if ((long)(_order[index] >> 32) * VhdLimits.SectorSize < end)
                Fail(VhdFormatError.BlockOverlapsBlock, block, "blocks " + before + " and " + block);
        }
    }

    private bool Fail(VhdFormatError error, int block, string message)
    {
        _failed = true;
        report(new VhdFinding(error, header.TableOffset + (long)block * sizeof(uint), message, PreventsOpening: true));
        return false;
    }
}
