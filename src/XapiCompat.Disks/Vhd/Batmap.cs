using static System.Buffers.Binary.BinaryPrimitives;

namespace XapiCompat.Disks.Vhd;

/// <summary>
/// tapdisk's batmap header, in the sector behind the BAT: where a map lies that has a bit for each block, set when
/// the block's sector bitmap is full. It is a hint only: sector bitmaps are the truth, and a clear bit is always right.
/// </summary>
/// <param name="MapOffset">Offset of the map in the file.</param>
/// <param name="MapSectors">Length of the map.</param>
/// <param name="MapChecksum">Checksum of the map, not of this header.</param>
public readonly record struct Batmap(long MapOffset, uint MapSectors, uint MapChecksum)
{
    /// <summary>Bytes on disk: a whole sector.</summary>
    public const int Size = VhdLimits.SectorSize;

    private const uint CurrentVersion = 0x00010002;

    public static ReadOnlySpan<byte> Cookie => "tdbatmap"u8;

    /// <summary>An empty map right behind a header at <paramref name="headerOffset"/>.</summary>
    public static Batmap CreateEmpty(long headerOffset, uint tableEntries) =>
        new(headerOffset + Size, (uint)VhdLimits.RoundUp((tableEntries + 7) / 8, VhdLimits.SectorSize) / VhdLimits.SectorSize, ~0u);

    /// <summary>Checksum over the bytes of a map.</summary>
    public static uint ComputeMapChecksum(ReadOnlySpan<byte> map) => VhdChecksum.Compute(map);

    public static bool TryRead(ReadOnlySpan<byte> source, out Batmap batmap, out VhdFormatError error)
    {
        batmap = default;
        error = source.Length < Size ? VhdFormatError.TooShort
            : !source.StartsWith(Cookie) ? VhdFormatError.BatmapCookie
            : VhdFormatError.None;
        if (error != VhdFormatError.None)
            return false;
        batmap = new Batmap(ReadInt64BigEndian(source[8..]), ReadUInt32BigEndian(source[16..]), ReadUInt32BigEndian(source[24..]));
        return true;
    }

    public void Write(Span<byte> destination)
    {
        destination[..Size].Clear();
        Cookie.CopyTo(destination);
        WriteInt64BigEndian(destination[8..], MapOffset);
        WriteUInt32BigEndian(destination[16..], MapSectors);
        WriteUInt32BigEndian(destination[20..], CurrentVersion);
        WriteUInt32BigEndian(destination[24..], MapChecksum);
    }
}
