namespace XapiCompat.Disks.Vhd.Streams;

/// <summary>The 2 MiB blocks that ranges of a disk touch.</summary>
internal static class BlockSet
{
    private const int BlockSize = VhdLimits.DefaultBlockSize;

    /// <summary>Indices of the blocks, ascending, each once.</summary>
    /// <param name="ranges">Ascending, inside the disk; they may share a block.</param>
    /// <param name="onlyData">Whether ranges that read as zeroes are left out.</param>
    public static uint[] Touched(long virtualSize, IReadOnlyList<Extent> ranges, bool onlyData)
    {
        var blocks = new List<uint>();
        long end = 0;
        long next = 0;
        foreach (var range in ranges)
        {
            if (range.Offset < end || range.Length < 0 || range.Length > virtualSize - range.Offset)
                throw new ArgumentException($"Range {range.Offset}+{range.Length} is out of order or outside the disk.", nameof(ranges));
            end = range.End;
            if (range.Length == 0 || (onlyData && range.Kind != ExtentKind.Data))
                continue;
            var last = (end - 1) / BlockSize;
            for (next = Math.Max(next, range.Offset / BlockSize); next <= last; next++)
                blocks.Add((uint)next);
        }

        return [.. blocks];
    }
}
