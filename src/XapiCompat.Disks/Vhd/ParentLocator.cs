using static System.Buffers.Binary.BinaryPrimitives;

namespace XapiCompat.Disks.Vhd;

/// <summary>One of the eight 24-byte entries of the dynamic header that say where a parent's path is stored.</summary>
/// <param name="PlatformCode">One of the codes below; 0 = entry not used.</param>
/// <param name="DataSpace">Room for the path: sectors by the specification, bytes in files of tapdisk.</param>
/// <param name="DataLength">Length of the path in bytes.</param>
/// <param name="DataOffset">Offset of the path in the file.</param>
public readonly record struct ParentLocator(uint PlatformCode, uint DataSpace, uint DataLength, long DataOffset)
{
    public const int Size = 24;

    /// <summary><c>MacX</c>: a file URL in UTF-8.</summary>
    public const uint MacX = 0x4D616358;

    /// <summary><c>W2ku</c>: a path in UTF-16, little-endian.</summary>
    public const uint W2ku = 0x57326B75;

    /// <summary><c>W2ru</c>: a relative path in UTF-16, little-endian.</summary>
    public const uint W2ru = 0x57327275;

    /// <summary>Room for the path in bytes: values below a sector count sectors.</summary>
    public long SpaceInBytes => DataSpace < VhdLimits.SectorSize ? (long)DataSpace * VhdLimits.SectorSize : DataSpace;

    public static ParentLocator Read(ReadOnlySpan<byte> source) => new(
        ReadUInt32BigEndian(source),
        ReadUInt32BigEndian(source[4..]),
        ReadUInt32BigEndian(source[8..]),
        ReadInt64BigEndian(source[16..]));

    public void Write(Span<byte> destination)
    {
        destination[..Size].Clear();
        WriteUInt32BigEndian(destination, PlatformCode);
        WriteUInt32BigEndian(destination[4..], DataSpace);
        WriteUInt32BigEndian(destination[8..], DataLength);
        WriteInt64BigEndian(destination[16..], DataOffset);
    }
}
