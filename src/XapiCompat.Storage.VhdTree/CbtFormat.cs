using XapiCompat.Disks;
using XapiCompat.Disks.Vhd;

namespace XapiCompat.Storage.VhdTree;

/// <summary>
/// The file <c>&lt;uuid&gt;.cbtlog</c>: parent uuid (16 bytes), child uuid (16), consistent (int32, then 4 bytes nothing), virtual size
/// (uint64), then a bit per 64 KiB, the least significant of each byte first; numbers in the order of the host. Other readers stop
/// there. Behind it follow the 8 letters <c>CBTBOOT1</c> and the boot id (16 bytes) of the last writer.
/// </summary>
internal static class CbtFormat
{
    public const string Suffix = ".cbtlog";

    /// <summary>The log of a snapshot that is being taken.</summary>
    public const string SnapshotSuffix = ".cbtlog.new";

    /// <summary>The log that its source goes on with; names the snapshot as its parent.</summary>
    public const string NextSuffix = ".cbtlog.next";

    /// <summary>About to replace a log as a whole.</summary>
    public const string TemporarySuffix = ".cbtlog.tmp";

    /// <summary>The log of a volume that is being destroyed; without data it is what its child has to take over.</summary>
    public const string DoomedSuffix = ".cbtlog.del";

    public const int BlockShift = 16;
    public const int HeaderLength = 48;
    public const int ParentOffset = 0;
    public const int ChildOffset = 16;
    public const int ConsistentOffset = 32;
    public const int TrailerLength = 24;
    private const int SizeOffset = 40;

    private static ReadOnlySpan<byte> Mark => "CBTBOOT1"u8;

    public static IReadOnlyList<string> Suffixes { get; } = [Suffix, SnapshotSuffix, NextSuffix, TemporarySuffix, DoomedSuffix];

    public static int BitmapLength(long size) => (int)((((size + (1 << BlockShift) - 1) >> BlockShift) + 7) / 8);

    /// <summary>Null when the file is none of this form.</summary>
    public static CbtHeader? TryRead(string path, FileLayer files)
    {
        using var file = VhdIo.Open(path, VhdAccess.Read, files);
        if (file.Length < HeaderLength)
            return null;
        Span<byte> head = stackalloc byte[HeaderLength];
        file.Read(0, head);
        var size = BitConverter.ToInt64(head[SizeOffset..]);
        if (size is <= 0 or > VhdLimits.MaxVirtualSize || file.Length < HeaderLength + BitmapLength(size))
            return null;
        var boot = Guid.Empty;
        if (file.Length >= HeaderLength + BitmapLength(size) + TrailerLength)
        {
            Span<byte> trailer = stackalloc byte[TrailerLength];
            file.Read(HeaderLength + BitmapLength(size), trailer);
            if (trailer.StartsWith(Mark))
                boot = new Guid(trailer[Mark.Length..], bigEndian: true);
        }

        return new(
            new Guid(head.Slice(ParentOffset, 16), bigEndian: true),
            new Guid(head.Slice(ChildOffset, 16), bigEndian: true),
            BitConverter.ToInt32(head[ConsistentOffset..]) != 0,
            size,
            boot);
    }

    public static byte[] ReadBits(string path, long size, FileLayer files)
    {
        using var file = VhdIo.Open(path, VhdAccess.Read, files);
        var bits = new byte[BitmapLength(size)];
        file.Read(HeaderLength, bits);
        return bits;
    }

    /// <summary>Writes a whole file, zeroes included, so that setting a bit later takes no room.</summary>
    public static void Write(string path, CbtHeader header, ReadOnlySpan<byte> bits, TreeDirectory directory)
    {
        var data = new byte[HeaderLength + bits.Length + TrailerLength];
        header.Parent.TryWriteBytes(data.AsSpan(ParentOffset), bigEndian: true, out _);
        header.Child.TryWriteBytes(data.AsSpan(ChildOffset), bigEndian: true, out _);
        BitConverter.TryWriteBytes(data.AsSpan(ConsistentOffset), header.Consistent ? 1 : 0);
        BitConverter.TryWriteBytes(data.AsSpan(SizeOffset), header.Size);
        bits.CopyTo(data.AsSpan(HeaderLength));
        Trailer(header.Boot).CopyTo(data, HeaderLength + bits.Length);
        directory.Step("write " + path);
        using var file = VhdIo.Create(path, overwrite: true, directory.Files);
        file.Write(0, data);
        if (directory.Durable)
            file.Flush();
    }

    public static void WriteBoot(VhdIo file, long size, Guid boot) => file.Write(HeaderLength + BitmapLength(size), Trailer(boot));

    public static void WriteConsistent(VhdIo file, bool consistent) => file.Write(ConsistentOffset, BitConverter.GetBytes(consistent ? 1 : 0));

    public static void WriteUuid(string path, long offset, Guid id, FileLayer files)
    {
        using var file = VhdIo.Open(path, VhdAccess.ReadWrite, files);
        file.Write(offset, id.ToByteArray(bigEndian: true));
    }

    /// <summary>Adds bits to others; those beyond the end of <paramref name="bits"/> fall away.</summary>
    public static void Add(Span<byte> bits, ReadOnlySpan<byte> more)
    {
        var length = Math.Min(bits.Length, more.Length);
        for (var i = 0; i < length; i++)
            bits[i] |= more[i];
    }

    /// <summary>Clears what lies behind the last block.</summary>
    public static void Trim(Span<byte> bits, long size)
    {
        var used = (int)(((size + (1 << BlockShift) - 1) >> BlockShift) & 7);
        if (used != 0)
            bits[^1] &= (byte)((1 << used) - 1);
    }

    private static byte[] Trailer(Guid boot) => [.. Mark, .. boot.ToByteArray(bigEndian: true)];
}
