namespace XapiCompat.Disks.Qcow2;

/// <summary>Clusters that ranges of a disk touch, as runs: a disk of terabytes needs no more memory than it has extents.</summary>
internal sealed class ClusterRanges
{
    private readonly List<(long First, long Count)> _runs = [];

    /// <param name="ranges">Ascending, inside the disk; they may share a cluster.</param>
    /// <param name="onlyData">Whether ranges that read as zeroes are left out.</param>
    public ClusterRanges(long virtualSize, int clusterSize, IReadOnlyList<Extent> ranges, bool onlyData)
    {
        long end = 0;
        foreach (var range in ranges)
        {
            if (range.Offset < end || range.Length < 0 || range.Length > virtualSize - range.Offset)
                throw new ArgumentException($"Range {range.Offset}+{range.Length} is out of order or outside the disk.", nameof(ranges));
            end = range.End;
            if (range.Length > 0 && (!onlyData || range.Kind == ExtentKind.Data))
                Add(range.Offset / clusterSize, (end - 1) / clusterSize + 1);
        }
    }

    /// <summary>Ascending, apart from each other.</summary>
    public IReadOnlyList<(long First, long Count)> Runs => _runs;

    /// <summary>Clusters in all.</summary>
    public long Count { get; private set; }

    private void Add(long first, long end)
    {
        if (_runs.Count > 0 && _runs[^1].First + _runs[^1].Count >= first)
        {
            var last = _runs[^1];
            Count += Math.Max(0, end - last.First - last.Count);
            _runs[^1] = (last.First, Math.Max(last.Count, end - last.First));
            return;
        }

        Count += end - first;
        _runs.Add((first, end - first));
    }
}
