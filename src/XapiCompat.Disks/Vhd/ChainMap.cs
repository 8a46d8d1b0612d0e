namespace XapiCompat.Disks.Vhd;

/// <summary>
/// For each block the topmost parent that stores it. Parents do not change, so that a chain's depth is paid for once per
/// page of blocks, at the first look at it.
/// </summary>
/// <param name="layers">The whole chain, leaf first; the leaf is not part of the map.</param>
internal sealed class ChainMap(IReadOnlyList<VhdFile> layers)
{
    private const int PageBlocks = 1024;

    private readonly ushort[]?[] _pages =
        new ushort[]?[(layers.Skip(1).Select(layer => layer.BlockCount).DefaultIfEmpty().Max() + PageBlocks - 1) / PageBlocks];

    /// <summary>Index of the layer, or 0 when no parent stores the block.</summary>
    public int Find(int block)
    {
        if (block / PageBlocks >= _pages.Length)
            return 0;
        var page = Volatile.Read(ref _pages[block / PageBlocks]) ?? Build(block / PageBlocks);
        return page[block % PageBlocks];
    }

    // Two readers may both build a page; the result is the same.
    private ushort[] Build(int index)
    {
        var page = new ushort[PageBlocks];
        for (var layer = layers.Count - 1; layer > 0; layer--)
        {
            for (var entry = 0; entry < PageBlocks; entry++)
            {
                if (layers[layer].IsAllocated(index * PageBlocks + entry))
                    page[entry] = (ushort)layer;
            }
        }

        Volatile.Write(ref _pages[index], page);
        return page;
    }
}
