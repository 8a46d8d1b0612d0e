using System.Collections.Immutable;
using System.Text;
using static System.Buffers.Binary.BinaryPrimitives;

namespace XapiCompat.Disks.Vhd;

/// <summary>The dynamic disk header, 1024 bytes, of dynamic and differencing disks.</summary>
public readonly record struct DynamicHeader()
{
    public const int Size = 1024;

    /// <summary>Offset behind the footer copy, where nearly every writer puts it.</summary>
    public const int UsualOffset = Footer.Size;

    public const int LocatorCount = 8;

    private const int ChecksumOffset = 36;
    private const int NameOffset = 64;
    private const int LocatorOffset = 576;

    public static ReadOnlySpan<byte> Cookie => "cxsparse"u8;

    public ulong DataOffset { get; init; } = ulong.MaxValue;

    /// <summary>Offset of the BAT.</summary>
    public long TableOffset { get; init; } = UsualOffset + Size;

    public uint Version { get; init; } = 0x00010000;

    public uint MaxTableEntries { get; init; }

    /// <summary>Bytes of data in a block, without the sector bitmap.</summary>
    public uint BlockSize { get; init; } = VhdLimits.DefaultBlockSize;

    public Guid ParentUniqueId { get; init; }

    /// <summary>See <see cref="VhdTime"/>.</summary>
    public uint ParentTimestamp { get; init; }

    /// <summary>The parent's file name; empty without a parent. At most 256 UTF-16 units.</summary>
    public string ParentName { get; init; } = "";

    /// <summary>Up to eight entries; missing ones are written as zero.</summary>
    public ImmutableArray<ParentLocator> ParentLocators { get; init; } = [];

    /// <summary>Reads the first <see cref="Size"/> bytes; false leaves <paramref name="header"/> default.</summary>
    public static bool TryRead(ReadOnlySpan<byte> source, out DynamicHeader header, out VhdFormatError error)
    {
        header = default;
        if (source.Length < Size)
            return Fail(VhdFormatError.TooShort, out error);
        source = source[..Size];
        if (!source.StartsWith(Cookie))
            return Fail(VhdFormatError.HeaderCookie, out error);
        if (ReadUInt32BigEndian(source[ChecksumOffset..]) != VhdChecksum.Compute(source, ChecksumOffset))
            return Fail(VhdFormatError.HeaderChecksum, out error);
        if (ReadUInt32BigEndian(source[24..]) >> 16 != 1)
            return Fail(VhdFormatError.HeaderVersion, out error);
        var locators = ImmutableArray.CreateBuilder<ParentLocator>(LocatorCount);
        for (var index = 0; index < LocatorCount; index++)
            locators.Add(ParentLocator.Read(source[(LocatorOffset + index * ParentLocator.Size)..]));
        header = new DynamicHeader
        {
            DataOffset = ReadUInt64BigEndian(source[8..]),
            TableOffset = ReadInt64BigEndian(source[16..]),
            Version = ReadUInt32BigEndian(source[24..]),
            MaxTableEntries = ReadUInt32BigEndian(source[28..]),
            BlockSize = ReadUInt32BigEndian(source[32..]),
            ParentUniqueId = new Guid(source.Slice(40, 16), bigEndian: true),
            ParentTimestamp = ReadUInt32BigEndian(source[56..]),
            ParentName = ReadName(source.Slice(NameOffset, VhdLimits.ParentNameBytes)),
            ParentLocators = locators.MoveToImmutable(),
        };
        error = VhdFormatError.None;
        return true;
    }

    /// <summary>What <see cref="Size"/> bytes of a header that may be damaged say of the parent.</summary>
    public static (string Name, Guid UniqueId) ReadParent(ReadOnlySpan<byte> source) =>
        (ReadName(source.Slice(NameOffset, VhdLimits.ParentNameBytes)), new Guid(source.Slice(40, 16), bigEndian: true));

    /// <summary>Fills the first <see cref="Size"/> bytes, checksum included.</summary>
    public void Write(Span<byte> destination)
    {
        destination = destination[..Size];
        destination.Clear();
        Cookie.CopyTo(destination);
        WriteUInt64BigEndian(destination[8..], DataOffset);
        WriteInt64BigEndian(destination[16..], TableOffset);
        WriteUInt32BigEndian(destination[24..], Version);
        WriteUInt32BigEndian(destination[28..], MaxTableEntries);
        WriteUInt32BigEndian(destination[32..], BlockSize);
        ParentUniqueId.TryWriteBytes(destination[40..], bigEndian: true, out _);
        WriteUInt32BigEndian(destination[56..], ParentTimestamp);
        Encoding.BigEndianUnicode.GetBytes(ParentName, destination.Slice(NameOffset, VhdLimits.ParentNameBytes));
        if (!ParentLocators.IsDefault)
        {
            for (var index = 0; index < ParentLocators.Length; index++)
                ParentLocators[index].Write(destination.Slice(LocatorOffset + index * ParentLocator.Size, ParentLocator.Size));
        }

        WriteUInt32BigEndian(destination[ChecksumOffset..], VhdChecksum.Compute(destination, ChecksumOffset));
    }

    /// <summary>
    /// What makes a well-formed header unusable for a disk with this footer, without a look at the file around it:
    /// block size, number of entries, own id as parent; <see cref="VhdFormatError.None"/> if nothing.
    /// </summary>
    public VhdFormatError FindProblem(in Footer footer)
    {
        if (!uint.IsPow2(BlockSize) || BlockSize is < VhdLimits.MinBlockSize or > VhdLimits.MaxBlockSize)
            return VhdFormatError.BlockSize;
        if (MaxTableEntries < VhdLimits.BlockCount(footer.CurrentSize, (int)BlockSize) || MaxTableEntries > int.MaxValue)
            return VhdFormatError.TableEntries;
        if (TableOffset < 0 || TableOffset % VhdLimits.SectorSize != 0)
            return VhdFormatError.TableOffset;
        return footer.DiskType == VhdDiskType.Differencing && ParentUniqueId == footer.UniqueId
            ? VhdFormatError.SelfParent
            : VhdFormatError.None;
    }

    private static string ReadName(ReadOnlySpan<byte> field)
    {
        var length = 0;
        while (length < field.Length && (field[length] | field[length + 1]) != 0)
            length += 2;
        return Encoding.BigEndianUnicode.GetString(field[..length]);
    }

    private static bool Fail(VhdFormatError reason, out VhdFormatError error)
    {
        error = reason;
        return false;
    }
}
