using XapiCompat.Disks;

namespace XapiCompat.Storage.VhdTree;

/// <summary>
/// Where two disks of one tree may differ: the blocks stored in files that stand in exactly one of the two chains. Looks at
/// the block tables of just these files.
/// </summary>
internal static class TreeCompare
{
    public static IEnumerable<TreeNode> Exclusive(TreeNode one, TreeNode other)
    {
        var mine = Chain(one).ToHashSet();
        mine.SymmetricExceptWith(Chain(other));
        return mine.Where(node => !node.IsEmpty);
    }

    public static IReadOnlyList<Extent> Ranges(IEnumerable<SharedLayer> layers, long size)
    {
        var blocks = layers
            .SelectMany(layer => layer.File.AllocatedBlocks(), (layer, block) => (Start: (long)block * layer.File.BlockSize, Length: (long)layer.File.BlockSize))
            .Order();
        var ranges = new List<Extent>();
        foreach (var (start, length) in blocks)
        {
            var end = Math.Min(start + length, size);
            var from = ranges.Count > 0 ? Math.Max(start, ranges[^1].End) : start;
            if (from >= end)
                continue;
            if (ranges.Count > 0 && ranges[^1].End == from)
                ranges[^1] = ranges[^1] with { Length = end - ranges[^1].Offset };
            else
                ranges.Add(new Extent(from, end - from, ExtentKind.Data));
        }

        return ranges;
    }

    private static IEnumerable<TreeNode> Chain(TreeNode leaf)
    {
        for (var node = leaf; node is not null; node = node.Parent)
            yield return node;
    }
}
