namespace XapiCompat.Disks.Vhd;

public sealed partial class VhdChain
{
    /// <summary>
    /// The byte ranges of <paramref name="disk"/> that may differ from <paramref name="other"/>: blocks stored in files that
    /// belong to exactly one of the chains, and all that <paramref name="disk"/> stores behind the end of
    /// <paramref name="other"/>; clipped to the size of <paramref name="disk"/>. Reads no data block.
    /// All kinds are <see cref="ExtentKind.Data"/>; ascending, neighbours merged.
    /// </summary>
    public static IReadOnlyList<Extent> Difference(VhdChain disk, VhdChain other)
    {
        ArgumentNullException.ThrowIfNull(disk);
        ArgumentNullException.ThrowIfNull(other);
        var ranges = new List<(long Start, long End)>();
        var mine = disk._layers.Select(Identity).ToHashSet();
        var theirs = other._layers.Select(Identity).ToHashSet();
        // Shared layers differ only where this disk is longer; the last block of an odd size must not count as that.
        var sharedFrom = disk.VirtualSize > other.VirtualSize ? other.VirtualSize : long.MaxValue;
        foreach (var layer in disk._layers)
            Collect(layer, theirs.Contains(Identity(layer)) ? sharedFrom : 0, ranges);
        foreach (var layer in other._layers.Where(layer => !mine.Contains(Identity(layer))))
            Collect(layer, 0, ranges);
        return ByteRanges.Merge(ranges, disk.VirtualSize);
    }

    private static (string Path, Guid UniqueId) Identity(VhdFile layer) => (layer.Path, layer.UniqueId);

    private static void Collect(VhdFile layer, long from, List<(long Start, long End)> ranges)
    {
        foreach (var block in layer.AllocatedBlocks())
        {
            var start = (long)block * layer.BlockSize;
            if (start + layer.BlockSize > from)
                ranges.Add((start, start + layer.BlockSize));
        }
    }
}
