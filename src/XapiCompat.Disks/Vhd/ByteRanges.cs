namespace XapiCompat.Disks.Vhd;

/// <summary>Building lists of extents in which neighbours differ.</summary>
internal static class ByteRanges
{
    /// <summary>Adds a range behind all others, or lengthens the last one.</summary>
    public static void Append(List<Extent> extents, long start, long end, ExtentKind kind)
    {
        if (extents.Count > 0 && extents[^1] is var last && last.End == start && last.Kind == kind)
            extents[^1] = last with { Length = end - last.Offset };
        else
            extents.Add(new Extent(start, end - start, kind));
    }

    /// <summary>Sorts ranges, merges those that touch, and cuts them off at <paramref name="limit"/>.</summary>
    public static List<Extent> Merge(List<(long Start, long End)> ranges, long limit)
    {
        ranges.Sort();
        var extents = new List<Extent>();
        var reached = 0L;
        foreach (var (start, end) in ranges)
        {
            var from = Math.Max(start, reached);
            var to = Math.Min(end, limit);
            if (from >= to)
                continue;
            Append(extents, from, to, ExtentKind.Data);
            reached = to;
        }

        return extents;
    }
}
