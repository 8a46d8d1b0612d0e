namespace XapiCompat.Nbd;

/// <summary>One bit per granule of a disk, the first in the most significant bit of the first byte; 1 is changed.</summary>
/// <param name="Granularity">Bytes per bit.</param>
/// <param name="Bits">What lies behind its end counts as changed.</param>
public sealed record NbdBitmap(long Granularity, ReadOnlyMemory<byte> Bits)
{
    /// <summary>The run of equal bits that covers an offset: whether it is changed, and where it ends (at most <paramref name="end"/>).</summary>
    public (bool Changed, long End) RunAt(long offset, long end)
    {
        var bits = Bits.Span;
        var index = offset / Granularity;
        var changed = IsSet(bits, index);
        var last = (end - 1) / Granularity;
        var uniform = changed ? (byte)0xff : (byte)0;
        while (index < last)
        {
            var next = index + 1;
            if ((next & 7) == 0 && next + 8 <= last)
            {
                // Whole bytes of one kind are passed at once.
                var from = next >> 3;
                var to = (last + 1) >> 3;
                var rest = from < bits.Length ? bits[(int)from..(int)Math.Min(to, bits.Length)].IndexOfAnyExcept(uniform) : 0;
                if (rest < 0)
                    rest = (int)(Math.Min(to, bits.Length) - from);
                if (rest > 0)
                {
                    index += rest * 8L;
                    continue;
                }
            }

            if (IsSet(bits, next) != changed)
                return (changed, next * Granularity);
            index = next;
        }

        return (changed, end);
    }

    private static bool IsSet(ReadOnlySpan<byte> bits, long index) =>
        index >> 3 >= bits.Length || (bits[(int)(index >> 3)] & (0x80 >> (int)(index & 7))) != 0;
}
