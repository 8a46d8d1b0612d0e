using System.Buffers.Binary;

namespace XapiCompat.Server.Tests.Support;

/// <summary>
/// A reader and writer of dynamic and differencing VHDs that shares no code with the product: it judges what the
/// product sends and makes what it receives.
/// </summary>
public static class SparseVhd
{
    private const int Block = 2 << 20;
    private const int Bitmap = 512;

    /// <summary>A dynamic VHD whose bitmaps name just the sectors given; everything else of the target stays as it is.</summary>
    public static byte[] Write(long size, IReadOnlyDictionary<long, byte[]> sectors)
    {
        var blocks = sectors.Keys.Select(s => s * 512 / Block).Distinct().Order().ToList();
        var entries = (int)((size + Block - 1) / Block);
        var table = new byte[(entries * 4 + 511) / 512 * 512];
        table.AsSpan().Fill(0xFF);
        var at = 1536 + table.Length;
        var data = new List<byte[]>();
        foreach (var block in blocks)
        {
            BinaryPrimitives.WriteUInt32BigEndian(table.AsSpan((int)block * 4), (uint)(at / 512));
            var bytes = new byte[Bitmap + Block];
            foreach (var (sector, content) in sectors.Where(s => s.Key * 512 / Block == block))
            {
                var inBlock = (int)(sector % (Block / 512));
                bytes[inBlock / 8] |= (byte)(0x80 >> (inBlock % 8));
                content.CopyTo(bytes.AsSpan(Bitmap + (inBlock * 512)));
            }

            data.Add(bytes);
            at += bytes.Length;
        }

        var footer = Footer(size);
        var file = new byte[at + footer.Length];
        footer.CopyTo(file, 0);
        Header(entries).CopyTo(file, 512);
        table.CopyTo(file, 1536);
        at = 1536 + table.Length;
        foreach (var bytes in data)
        {
            bytes.CopyTo(file, at);
            at += bytes.Length;
        }

        footer.CopyTo(file, at);
        return file;
    }

    /// <summary>Puts what a VHD holds over <paramref name="disk"/> and returns its type: 3 dynamic, 4 differencing.</summary>
    public static int Apply(byte[] vhd, byte[] disk)
    {
        Require(vhd.AsSpan(0, 8).SequenceEqual("conectix"u8), "no footer copy at the start");
        Require(vhd.AsSpan(vhd.Length - 512).SequenceEqual(vhd.AsSpan(0, 512)), "the footer and its copy differ");
        Require(Checksum(vhd.AsSpan(0, 512), 64) == BinaryPrimitives.ReadUInt32BigEndian(vhd.AsSpan(64)), "the footer's checksum is wrong");
        Require(BinaryPrimitives.ReadInt64BigEndian(vhd.AsSpan(48)) == disk.Length, "the size is another one");
        var header = (int)BinaryPrimitives.ReadInt64BigEndian(vhd.AsSpan(16));
        Require(vhd.AsSpan(header, 8).SequenceEqual("cxsparse"u8), "no header");
        Require(Checksum(vhd.AsSpan(header, 1024), 36) == BinaryPrimitives.ReadUInt32BigEndian(vhd.AsSpan(header + 36)), "the header's checksum is wrong");
        var table = (int)BinaryPrimitives.ReadInt64BigEndian(vhd.AsSpan(header + 16));
        var entries = BinaryPrimitives.ReadInt32BigEndian(vhd.AsSpan(header + 28));
        Require(BinaryPrimitives.ReadInt32BigEndian(vhd.AsSpan(header + 32)) == Block, "blocks have another size");
        for (var block = 0; block < entries; block++)
        {
            var sector = BinaryPrimitives.ReadUInt32BigEndian(vhd.AsSpan(table + (block * 4)));
            if (sector == uint.MaxValue)
                continue;
            var bits = vhd.AsSpan((int)sector * 512, Bitmap);
            for (var i = 0; i < Block / 512; i++)
            {
                var offset = ((long)block * Block) + (i * 512L);
                if ((bits[i / 8] & (0x80 >> (i % 8))) != 0 && offset < disk.Length)
                    vhd.AsSpan((int)sector * 512 + Bitmap + (i * 512), 512).CopyTo(disk.AsSpan((int)offset));
            }
        }

        return BinaryPrimitives.ReadInt32BigEndian(vhd.AsSpan(60));
    }

    /// <summary>Number of blocks that the file holds.</summary>
    public static int BlockCount(byte[] vhd)
    {
        var header = (int)BinaryPrimitives.ReadInt64BigEndian(vhd.AsSpan(16));
        var table = (int)BinaryPrimitives.ReadInt64BigEndian(vhd.AsSpan(header + 16));
        var entries = BinaryPrimitives.ReadInt32BigEndian(vhd.AsSpan(header + 28));
        return Enumerable.Range(0, entries).Count(b => BinaryPrimitives.ReadUInt32BigEndian(vhd.AsSpan(table + (b * 4))) != uint.MaxValue);
    }

    public static Guid Id(byte[] vhd) => new(vhd.AsSpan(68, 16), bigEndian: true);

    public static Guid ParentId(byte[] vhd) => new(vhd.AsSpan((int)BinaryPrimitives.ReadInt64BigEndian(vhd.AsSpan(16)) + 40, 16), bigEndian: true);

    public static string ParentName(byte[] vhd)
    {
        var header = (int)BinaryPrimitives.ReadInt64BigEndian(vhd.AsSpan(16));
        return System.Text.Encoding.BigEndianUnicode.GetString(vhd, header + 64, 512).TrimEnd('\0');
    }

    private static byte[] Footer(long size)
    {
        var footer = new byte[512];
        "conectix"u8.CopyTo(footer);
        BinaryPrimitives.WriteInt32BigEndian(footer.AsSpan(8), 2);
        BinaryPrimitives.WriteInt32BigEndian(footer.AsSpan(12), 0x10000);
        BinaryPrimitives.WriteInt64BigEndian(footer.AsSpan(16), 512);
        "test"u8.CopyTo(footer.AsSpan(28));
        BinaryPrimitives.WriteInt64BigEndian(footer.AsSpan(40), size);
        BinaryPrimitives.WriteInt64BigEndian(footer.AsSpan(48), size);
        BinaryPrimitives.WriteUInt32BigEndian(footer.AsSpan(56), 0x0041_0411);
        BinaryPrimitives.WriteInt32BigEndian(footer.AsSpan(60), 3);
        Guid.NewGuid().TryWriteBytes(footer.AsSpan(68), bigEndian: true, out _);
        BinaryPrimitives.WriteUInt32BigEndian(footer.AsSpan(64), Checksum(footer, 64));
        return footer;
    }

    private static byte[] Header(int entries)
    {
        var header = new byte[1024];
        "cxsparse"u8.CopyTo(header);
        BinaryPrimitives.WriteInt64BigEndian(header.AsSpan(8), -1);
        BinaryPrimitives.WriteInt64BigEndian(header.AsSpan(16), 1536);
        BinaryPrimitives.WriteInt32BigEndian(header.AsSpan(24), 0x10000);
        BinaryPrimitives.WriteInt32BigEndian(header.AsSpan(28), entries);
        BinaryPrimitives.WriteInt32BigEndian(header.AsSpan(32), Block);
        BinaryPrimitives.WriteUInt32BigEndian(header.AsSpan(36), Checksum(header, 36));
        return header;
    }

    private static uint Checksum(ReadOnlySpan<byte> bytes, int field)
    {
        var sum = 0u;
        for (var i = 0; i < bytes.Length; i++)
            sum += i >= field && i < field + 4 ? 0u : bytes[i];
        return ~sum;
    }

    private static void Require(bool condition, string what)
    {
        if (!condition)
            throw new InvalidDataException(what);
    }
}
