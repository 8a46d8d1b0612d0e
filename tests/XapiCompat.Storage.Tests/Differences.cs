using XapiCompat.Disks;

namespace XapiCompat.Storage.Tests;

internal static class Differences
{
    /// <summary>Offsets (one per sector) at which <paramref name="other"/> differs from its base <paramref name="one"/> although no range says so.</summary>
    public static IReadOnlyList<long> Uncovered(ReadOnlyMemory<byte> one, ReadOnlyMemory<byte> other, IReadOnlyList<Extent> ranges)
    {
        var uncovered = new List<long>();
        var range = 0;
        for (var offset = 0; offset < other.Length; offset += 512)
        {
            while (range < ranges.Count && ranges[range].End <= offset)
                range++;
            if (range < ranges.Count && ranges[range].Offset <= offset)
                continue;
            if (!Sector(one.Span, offset).SequenceEqual(Sector(other.Span, offset)))
                uncovered.Add(offset);
        }

        return uncovered;
    }

    private static ReadOnlySpan<byte> Sector(ReadOnlySpan<byte> disk, int offset) =>
        offset < disk.Length ? disk.Slice(offset, 512) : new byte[512];
}
