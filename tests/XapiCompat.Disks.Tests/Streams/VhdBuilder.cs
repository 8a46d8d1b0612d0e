using System.Buffers.Binary;
using XapiCompat.Disks.Vhd;

namespace XapiCompat.Disks.Tests.Streams;

/// <summary>Lays out VHD streams that other writers, or nobody sane, would make.</summary>
internal sealed class VhdBuilder
{
    public static readonly Guid Id = new("11111111-2222-4333-8444-555555555555");

    public long VirtualSize { get; set; } = 8 << 20;

    public int BlockSize { get; set; } = 2 << 20;

    public VhdDiskType Type { get; set; } = VhdDiskType.Dynamic;

    public Guid ParentId { get; set; }

    public long HeaderOffset { get; set; } = 512;

    public long? TableOffset { get; set; }

    public uint? TableEntries { get; set; }

    public bool ClosingFooter { get; set; } = true;

    public int GapBeforeFooter { get; set; }

    public List<(uint Index, byte[] Bitmap, byte[] Data, int GapBefore)> Blocks { get; } = [];

    /// <summary>Index of a table entry to the sector that it claims, in place of the true one.</summary>
    public Dictionary<uint, uint> TableOverrides { get; } = [];

    /// <summary>Changes the footer copy and the closing footer; checksums are made afterwards.</summary>
    public Action<byte[]>? EditFooters { get; set; }

    public Action<byte[]>? EditFooterCopy { get; set; }

    public Action<byte[]>? EditClosingFooter { get; set; }

    public Action<byte[]>? EditHeader { get; set; }

    public int BitmapSize => Math.Max(SectorBitmap.ByteLength(BlockSize), 512);

    public VhdBuilder Block(uint index, byte value, int gapBefore = 0)
    {
        var data = new byte[BlockSize];
        data.AsSpan().Fill(value);
        return Block(index, FullBitmap(), data, gapBefore);
    }

    public VhdBuilder Block(uint index, byte[] bitmap, byte[] data, int gapBefore = 0)
    {
        Blocks.Add((index, bitmap, data, gapBefore));
        return this;
    }

    public byte[] FullBitmap()
    {
        var bitmap = new byte[BitmapSize];
        bitmap.AsSpan().Fill(0xFF);
        return bitmap;
    }

    public byte[] Build()
    {
        var tableOffset = TableOffset ?? HeaderOffset + 1024;
        var entries = TableEntries ?? (uint)((VirtualSize + BlockSize - 1) / BlockSize);
        var tableSize = (int)VhdLimits.RoundUp(entries * 4L, 512);
        var table = new byte[tableSize];
        table.AsSpan().Fill(0xFF);
        var stream = new MemoryStream();
        stream.Position = tableOffset + tableSize;
        foreach (var (index, bitmap, data, gap) in Blocks)
        {
            stream.Position += gap;
            BinaryPrimitives.WriteUInt32BigEndian(table.AsSpan((int)index * 4), (uint)(stream.Position / 512));
            stream.Write(bitmap);
            stream.Write(data);
        }

        foreach (var (index, sector) in TableOverrides)
            BinaryPrimitives.WriteUInt32BigEndian(table.AsSpan((int)index * 4), sector);
        stream.Position += GapBeforeFooter;
        if (ClosingFooter)
            stream.Write(FooterBytes(EditClosingFooter));
        stream.Position = tableOffset;
        stream.Write(table);
        stream.Position = HeaderOffset;
        stream.Write(Header(tableOffset, entries));
        stream.Position = 0;
        stream.Write(FooterBytes(EditFooterCopy));
        return stream.ToArray();
    }

    private byte[] FooterBytes(Action<byte[]>? edit)
    {
        var footer = new byte[512];
        (Footer.Create(Type, VirtualSize, Id, 0) with { DataOffset = (ulong)HeaderOffset }).Write(footer);
        EditFooters?.Invoke(footer);
        edit?.Invoke(footer);
        if (EditFooters is not null || edit is not null)
            Seal(footer, 64);
        return footer;
    }

    private byte[] Header(long tableOffset, uint entries)
    {
        var header = new byte[1024];
        new DynamicHeader { TableOffset = tableOffset, MaxTableEntries = entries, BlockSize = (uint)BlockSize, ParentUniqueId = ParentId }.Write(header);
        if (EditHeader is null)
            return header;
        EditHeader(header);
        Seal(header, 36);
        return header;
    }

    /// <summary>Makes the checksum right, unless an edit asked for a wrong one by setting all its bytes.</summary>
    public static void Seal(Span<byte> structure, int field)
    {
        if (!structure.Slice(field, 4).ContainsAnyExcept((byte)0xEE))
            return;
        structure.Slice(field, 4).Clear();
        uint sum = 0;
        foreach (var value in structure)
            sum += value;
        BinaryPrimitives.WriteUInt32BigEndian(structure[field..], ~sum);
    }
}
