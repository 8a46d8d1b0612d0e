using System.Buffers;
using System.Buffers.Binary;
using XapiCompat.Disks.Streams;

namespace XapiCompat.Disks.Vhd.Streams;

/// <summary>
/// What stands in front of the blocks of a VHD stream, checked before anything is written: structures in forward
/// order, table entries that neither overlap nor run past the announced end.
/// </summary>
internal sealed class StreamLayout
{
    private const int MinBlockSize = VhdLimits.SectorSize;

    /// <summary>Entries that a table may have beyond the disk's end: writers that round to geometries leave one or two.</summary>
    private const int TableSlack = 64;

    /// <summary>Twice what the largest disk has at the usual block size; keeps the table's memory small.</summary>
    private const int MaxTableEntries = 1 << 21;

    private const int TablePiece = 64 * 1024;

    private readonly List<ulong> _blocks = [];

    private StreamLayout()
    {
    }

    public Footer Footer { get; private set; }

    public int BlockSize { get; private set; }

    public int BitmapSize { get; private set; }

    /// <summary>Where the first block or the closing footer may start.</summary>
    public long HeadEnd { get; private set; }

    /// <summary>Where the last block ends; the end of the head when there is none.</summary>
    public long BlocksEnd { get; private set; }

    public int BlockCount => _blocks.Count;

    /// <summary>Stream offset and index of a block; ascending offsets.</summary>
    public (long Offset, long Index) Block(int position) =>
        ((long)(_blocks[position] >> 32) * VhdLimits.SectorSize, (uint)_blocks[position]);

    /// <summary>Reads up to the end of the BAT.</summary>
    /// <exception cref="StreamRefusedException">The stream cannot be decoded.</exception>
    public static async ValueTask<StreamLayout> ReadAsync(ForwardReader reader, long? contentLength)
    {
        var layout = new StreamLayout();
        var header = await layout.HeaderAsync(reader);
        await layout.TableAsync(reader, header);
        layout.CheckBlocks(contentLength);
        return layout;
    }

    private async ValueTask<DynamicHeader> HeaderAsync(ForwardReader reader)
    {
        var buffer = new byte[DynamicHeader.Size];
        await FillAsync(reader, buffer.AsMemory(0, Footer.Size), "footer copy");
        if (!Footer.TryRead(buffer, out var footer, out var error) || (error = footer.FindProblem()) != VhdFormatError.None)
            throw new StreamRefusedException(error, "footer copy");
        if (footer.DiskType == VhdDiskType.Fixed)
            throw new StreamRefusedException(VhdFormatError.DiskType, "a fixed disk has no blocks to stream");
        Footer = footer;

        await SkipToAsync(reader, footer.DataOffset, VhdFormatError.HeaderOffset, "dynamic header");
        await FillAsync(reader, buffer, "dynamic header");
        if (!DynamicHeader.TryRead(buffer, out var header, out error))
            throw new StreamRefusedException(error, "dynamic header");
        if (!uint.IsPow2(header.BlockSize) || header.BlockSize is < MinBlockSize or > VhdLimits.MaxBlockSize)
            throw new StreamRefusedException(VhdFormatError.BlockSize, $"block size {header.BlockSize}");
        if (footer.DiskType == VhdDiskType.Differencing && header.ParentUniqueId == footer.UniqueId)
            throw new StreamRefusedException(VhdFormatError.SelfParent, "the disk is its own parent");
        BlockSize = (int)header.BlockSize;
        BitmapSize = Math.Max(SectorBitmap.ByteLength(BlockSize), VhdLimits.SectorSize);
        return header;
    }

    private async ValueTask TableAsync(ForwardReader reader, DynamicHeader header)
    {
        var needed = (Footer.CurrentSize + BlockSize - 1) / BlockSize;
        if (header.MaxTableEntries < needed || header.MaxTableEntries > needed + TableSlack || header.MaxTableEntries > MaxTableEntries)
            throw new StreamRefusedException(VhdFormatError.TableEntries, $"{header.MaxTableEntries} entries for {needed} blocks");
        await SkipToAsync(reader, (ulong)header.TableOffset, VhdFormatError.TableOffset, "block allocation table");

        var buffer = ArrayPool<byte>.Shared.Rent(TablePiece);
        try
        {
            uint index = 0;
            for (var rest = header.MaxTableEntries * (long)sizeof(uint); rest > 0;)
            {
                var piece = buffer.AsMemory(0, (int)Math.Min(TablePiece, rest));
                await FillAsync(reader, piece, "block allocation table");
                Collect(piece.Span, ref index, needed);
                rest -= piece.Length;
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }

        HeadEnd = VhdLimits.RoundUp(reader.Position, VhdLimits.SectorSize);
    }

    private void Collect(ReadOnlySpan<byte> table, ref uint index, long needed)
    {
        for (; !table.IsEmpty; table = table[sizeof(uint)..], index++)
        {
            var sector = BinaryPrimitives.ReadUInt32BigEndian(table);
            if (sector == VhdLimits.UnusedBatEntry)
                continue;
            if (index >= needed)
                throw new StreamRefusedException(VhdFormatError.TableEntries, $"entry {index} lies past the disk's end");
            _blocks.Add((ulong)sector << 32 | index);
        }
    }

    private void CheckBlocks(long? contentLength)
    {
        _blocks.Sort();
        BlocksEnd = HeadEnd;
        for (var position = 0; position < _blocks.Count; position++)
        {
            var (offset, index) = Block(position);
            if (offset < BlocksEnd)
            {
                var error = position == 0 ? VhdFormatError.BlockOverlapsMetadata : VhdFormatError.BlockOverlapsBlock;
                throw new StreamRefusedException(error, $"block {index} starts at {offset}, before {BlocksEnd}");
            }

            BlocksEnd = offset + BitmapSize + BlockSize;
        }

        if (contentLength is { } length && _blocks.Count > 0 && BlocksEnd + Footer.Size > length)
            throw new StreamRefusedException(VhdFormatError.BlockPastEnd, $"the last block ends at {BlocksEnd}, the stream with a footer at {length}");
    }

    /// <summary>Structures stand in the order in which they point to each other, on sector boundaries.</summary>
    private static async ValueTask SkipToAsync(ForwardReader reader, ulong offset, VhdFormatError error, string what)
    {
        if (offset < (ulong)reader.Position || offset % VhdLimits.SectorSize != 0 || offset > MaxOffset)
            throw new StreamRefusedException(error, $"{what} at {offset}, read so far {reader.Position}");
        if (!await reader.SkipAsync((long)offset - reader.Position))
            throw new StreamRefusedException($"input ends at {reader.Position}, before the {what} at {offset}");
    }

    /// <summary>The end of what a sector number of a table can name: nothing of a VHD lies behind it.</summary>
    private const ulong MaxOffset = (ulong)uint.MaxValue * VhdLimits.SectorSize;

    private static async ValueTask FillAsync(ForwardReader reader, Memory<byte> buffer, string what)
    {
        if (!await reader.FillAsync(buffer))
            throw new StreamRefusedException($"input ends at {reader.Position}, inside the {what}");
    }
}
