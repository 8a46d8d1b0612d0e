using static System.Buffers.Binary.BinaryPrimitives;

namespace XapiCompat.Disks.Vhd;

/// <summary>
/// The hard disk footer: the last 512 bytes of every VHD, and of dynamic and differencing ones a copy at offset 0.
/// All integers are big-endian on disk. Bytes that no property shows are written as zero.
/// </summary>
public readonly record struct Footer()
{
    public const int Size = 512;

    /// <summary><c>tap\0</c>, the creator that readers take at its current size instead of its geometry.</summary>
    public const uint TapCreator = 0x74617000;

    /// <summary>1.3, from which on a batmap follows the BAT.</summary>
    public const uint TapVersion = 0x00010003;

    /// <summary><c>caml</c>, the creator of export streams.</summary>
    public const uint CamlCreator = 0x63616D6C;

    private const int ChecksumOffset = 64;
    private const ulong NoDataOffset = ulong.MaxValue;

    public static ReadOnlySpan<byte> Cookie => "conectix"u8;

    public uint Features { get; init; } = 2;

    public uint Version { get; init; } = 0x00010000;

    /// <summary>Offset of the dynamic header; all ones on a fixed disk.</summary>
    public ulong DataOffset { get; init; } = DynamicHeader.UsualOffset;

    /// <summary>See <see cref="VhdTime"/>.</summary>
    public uint Timestamp { get; init; }

    public uint CreatorApplication { get; init; } = TapCreator;

    public uint CreatorVersion { get; init; } = TapVersion;

    public uint CreatorHostOs { get; init; }

    /// <summary>Bytes at creation.</summary>
    public long OriginalSize { get; init; }

    /// <summary>The virtual size in bytes.</summary>
    public long CurrentSize { get; init; }

    public DiskGeometry Geometry { get; init; }

    public VhdDiskType DiskType { get; init; } = VhdDiskType.Dynamic;

    public Guid UniqueId { get; init; }

    public byte SavedState { get; init; }

    /// <summary>tapdisk's mark of a node that only carries the data of its children.</summary>
    public byte Hidden { get; init; }

    /// <summary>A footer of one size: original size, current size and geometry agree.</summary>
    public static Footer Create(VhdDiskType type, long virtualSize, Guid uniqueId, uint timestamp) => new()
    {
        DataOffset = type == VhdDiskType.Fixed ? NoDataOffset : DynamicHeader.UsualOffset,
        Timestamp = timestamp,
        OriginalSize = virtualSize,
        CurrentSize = virtualSize,
        Geometry = DiskGeometry.FromSize(virtualSize),
        DiskType = type,
        UniqueId = uniqueId,
    };

    /// <summary>Reads the first <see cref="Size"/> bytes; false leaves <paramref name="footer"/> default.</summary>
    public static bool TryRead(ReadOnlySpan<byte> source, out Footer footer, out VhdFormatError error)
    {
        footer = default;
        if (source.Length < Size)
            return Fail(VhdFormatError.TooShort, out error);
        source = source[..Size];
        if (!source.StartsWith(Cookie))
            return Fail(VhdFormatError.FooterCookie, out error);
        if (ReadUInt32BigEndian(source[ChecksumOffset..]) != VhdChecksum.Compute(source, ChecksumOffset))
            return Fail(VhdFormatError.FooterChecksum, out error);
        if (ReadUInt32BigEndian(source[12..]) >> 16 != 1)
            return Fail(VhdFormatError.FooterVersion, out error);
        footer = new Footer
        {
            Features = ReadUInt32BigEndian(source[8..]),
            Version = ReadUInt32BigEndian(source[12..]),
            DataOffset = ReadUInt64BigEndian(source[16..]),
            Timestamp = ReadUInt32BigEndian(source[24..]),
            CreatorApplication = ReadUInt32BigEndian(source[28..]),
            CreatorVersion = ReadUInt32BigEndian(source[32..]),
            CreatorHostOs = ReadUInt32BigEndian(source[36..]),
            OriginalSize = ReadInt64BigEndian(source[40..]),
            CurrentSize = ReadInt64BigEndian(source[48..]),
            Geometry = new DiskGeometry(ReadUInt16BigEndian(source[56..]), source[58], source[59]),
            DiskType = (VhdDiskType)ReadUInt32BigEndian(source[60..]),
            UniqueId = new Guid(source.Slice(68, 16), bigEndian: true),
            SavedState = source[84],
            Hidden = source[85],
        };
        error = VhdFormatError.None;
        return true;
    }

    /// <summary>Fills the first <see cref="Size"/> bytes, checksum included.</summary>
    public void Write(Span<byte> destination)
    {
        destination = destination[..Size];
        destination.Clear();
        Cookie.CopyTo(destination);
        WriteUInt32BigEndian(destination[8..], Features);
        WriteUInt32BigEndian(destination[12..], Version);
        WriteUInt64BigEndian(destination[16..], DataOffset);
        WriteUInt32BigEndian(destination[24..], Timestamp);
        WriteUInt32BigEndian(destination[28..], CreatorApplication);
        WriteUInt32BigEndian(destination[32..], CreatorVersion);
        WriteUInt32BigEndian(destination[36..], CreatorHostOs);
        WriteInt64BigEndian(destination[40..], OriginalSize);
        WriteInt64BigEndian(destination[48..], CurrentSize);
        WriteUInt16BigEndian(destination[56..], Geometry.Cylinders);
        destination[58] = Geometry.Heads;
        destination[59] = Geometry.SectorsPerTrack;
        WriteUInt32BigEndian(destination[60..], (uint)DiskType);
        UniqueId.TryWriteBytes(destination[68..], bigEndian: true, out _);
        destination[84] = SavedState;
        destination[85] = Hidden;
        WriteUInt32BigEndian(destination[ChecksumOffset..], VhdChecksum.Compute(destination, ChecksumOffset));
    }

    /// <summary>What makes a well-formed footer unusable: type or size; <see cref="VhdFormatError.None"/> if nothing.</summary>
    public VhdFormatError FindProblem()
    {
        if (DiskType is not (VhdDiskType.Fixed or VhdDiskType.Dynamic or VhdDiskType.Differencing))
            return VhdFormatError.DiskType;
        return CurrentSize is > 0 and <= VhdLimits.MaxVirtualSize && CurrentSize % VhdLimits.SectorSize == 0
            ? VhdFormatError.None
            : VhdFormatError.VirtualSize;
    }

    private static bool Fail(VhdFormatError reason, out VhdFormatError error)
    {
        error = reason;
        return false;
    }
}
