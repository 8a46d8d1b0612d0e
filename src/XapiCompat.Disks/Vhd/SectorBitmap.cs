using System.Buffers.Binary;
using System.Numerics;

namespace XapiCompat.Disks.Vhd;

/// <summary>
/// The bitmap in front of each data block: one bit per sector, the most significant bit of the first byte for sector 0.
/// </summary>
public static class SectorBitmap
{
    /// <summary>Bytes that the bitmap of a block takes in the file: whole sectors (512 for a block of 2 MiB).</summary>
    public static int ByteLength(int blockSize) =>
        (int)VhdLimits.RoundUp(blockSize / VhdLimits.SectorSize / 8, VhdLimits.SectorSize);

    public static bool IsSet(ReadOnlySpan<byte> bitmap, int sector) =>
        (bitmap[sector >> 3] & (0x80 >> (sector & 7))) != 0;

    /// <summary>True when the bits of all sectors from <paramref name="first"/> on, <paramref name="count"/> of them, are set.</summary>
    public static bool IsFull(ReadOnlySpan<byte> bitmap, int first, int count) =>
        count == 0 || (IsSet(bitmap, first) && RunLength(bitmap, first, count) == count);

    public static void Set(Span<byte> bitmap, int first, int count)
    {
        var end = first + count;
        for (; first < end && (first & 7) != 0; first++)
            bitmap[first >> 3] |= (byte)(0x80 >> (first & 7));
        var bytes = (end - first) >> 3;
        if (bytes > 0)
        {
            bitmap.Slice(first >> 3, bytes).Fill(0xFF);
            first += bytes * 8;
        }

        for (; first < end; first++)
            bitmap[first >> 3] |= (byte)(0x80 >> (first & 7));
    }

    /// <summary>
    /// How many sectors from <paramref name="first"/> on have the same bit as it, at most <paramref name="limit"/>.
    /// </summary>
    public static int RunLength(ReadOnlySpan<byte> bitmap, int first, int limit)
    {
        // A word of the run's own value, xor-ed away, leaves ones where the run ends.
        var same = IsSet(bitmap, first) ? ulong.MaxValue : 0;
        var sector = first;
        var end = first + limit;
        while (sector < end)
        {
            var offset = sector >> 3 & ~7;
            var word = offset + 8 <= bitmap.Length
                ? BinaryPrimitives.ReadUInt64BigEndian(bitmap[offset..])
                : ReadTail(bitmap[offset..]);
            var skip = sector & 63;
            var different = (word ^ same) << skip;
            if (different != 0)
                return Math.Min(sector + BitOperations.LeadingZeroCount(different), end) - first;
            sector += 64 - skip;
        }

        return limit;
    }

    private static ulong ReadTail(ReadOnlySpan<byte> rest)
    {
        Span<byte> word = stackalloc byte[8];
        rest.CopyTo(word);
        return BinaryPrimitives.ReadUInt64BigEndian(word);
    }
}
