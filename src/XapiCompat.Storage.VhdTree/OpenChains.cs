using XapiCompat.Disks.Vhd;

namespace XapiCompat.Storage.VhdTree;

/// <summary>
/// Opens and counts chains. Files are shared, so that a thousand clones of one snapshot open its chain once; whoever has
/// a file open keeps its data, also when the volume is destroyed meanwhile.
/// </summary>
internal sealed partial class OpenChains(TreeDirectory directory)
{
    private readonly Lock _lock = new();
    private readonly HashSet<SharedChain> _open = [];

    /// <summary>
    /// Borrows the chain of a node. The caller holds the tree's lock, so that names do not change, and pairs the call with
    /// <see cref="ReturnAsync(SharedChain)"/>.
    /// </summary>
    public SharedChain Borrow(TreeNode node, DatapathMode mode)
    {
        lock (_lock)
        {
            var open = node.Open;
            var chain = open.Writer;
            if (mode == DatapathMode.ReadWrite && chain is null)
            {
                chain = open.Writer = OpenChain(node, VhdAccess.ReadWrite);

                // Its map of blocks grows old from now on: those who have it keep it, new readers do not get it.
                open.Reader = null;
            }

            chain ??= open.Reader ??= OpenChain(node, VhdAccess.Read);
            chain.Users++;
            return chain;
        }
    }

    public async ValueTask ReturnAsync(SharedChain chain)
    {
        var closing = new List<VhdFile>();
        lock (_lock)
        {
            if (--chain.Users > 0)
                return;
            _open.Remove(chain);
            var node = chain.Node;
            if (node.Open.Reader == chain)
                node.Open.Reader = null;
            if (node.Open.Writer == chain)
            {
                node.HasBlocks |= node.Open.WriterHasBlocks;
                node.Open.Writer = null;
            }

            closing.Add(chain.Chain.Leaf);
            foreach (var layer in chain.Parents)
                Return(layer, closing);
        }

        foreach (var file in closing)
            await file.DisposeAsync();
    }

    /// <summary>
    /// The files of nodes, opened for a look at their block tables; pairs with <see cref="ReturnAsync(IReadOnlyList{SharedLayer})"/>.
    /// </summary>
    public IReadOnlyList<SharedLayer> Borrow(IEnumerable<TreeNode> nodes)
    {
        lock (_lock)
            return BorrowLayers(nodes);
    }

    public async ValueTask ReturnAsync(IReadOnlyList<SharedLayer> layers)
    {
        var closing = new List<VhdFile>();
        lock (_lock)
        {
            foreach (var layer in layers)
                Return(layer, closing);
        }

        foreach (var file in closing)
            await file.DisposeAsync();
    }

    private SharedChain OpenChain(TreeNode node, VhdAccess access)
    {
        var parents = BorrowLayers(node.Ancestors);
        VhdFile? leaf = null;
        try
        {
            leaf = directory.Open(node.Id, access);
            var chain = new SharedChain(node, new VhdChain([leaf, .. parents.Select(layer => layer.File)]), parents);
            _open.Add(chain);
            return chain;
        }
        catch
        {
            var closing = new List<VhdFile>();
            if (leaf is not null)
                closing.Add(leaf);
            foreach (var layer in parents)
                Return(layer, closing);
            Close(closing);
            throw;
        }
    }

    private List<SharedLayer> BorrowLayers(IEnumerable<TreeNode> nodes)
    {
        var layers = new List<SharedLayer>();
        try
        {
            foreach (var node in nodes)
            {
                // A leaf's file is not kept for others: its block table would grow old under a writer.
                var layer = node.Open.Layer ?? new SharedLayer(node, directory.Open(node.Id, VhdAccess.Read));
                if (node.Hidden)
                    node.Open.Layer = layer;
                layer.Users++;
                layers.Add(layer);
            }

            return layers;
        }
        catch
        {
            var closing = new List<VhdFile>();
            foreach (var layer in layers)
                Return(layer, closing);
            Close(closing);
            throw;
        }
    }

    private static void Return(SharedLayer layer, List<VhdFile> closing)
    {
        if (--layer.Users > 0)
            return;
        if (layer.Node.Open.Layer == layer)
            layer.Node.Open.Layer = null;
        closing.Add(layer.File);
    }

    // Disposing of a file that was only just opened does nothing that could wait.
    private static void Close(List<VhdFile> files)
    {
        foreach (var file in files)
            _ = file.DisposeAsync().AsTask();
    }
}
