using XapiCompat.Disks.Vhd;

namespace XapiCompat.Storage.VhdTree;

/// <summary>The open chain of one leaf, shared by its datapaths. The layers below the leaf are borrowed.</summary>
internal sealed class SharedChain(TreeNode node, VhdChain chain, IReadOnlyList<SharedLayer> parents)
{
    public TreeNode Node { get; } = node;

    public VhdChain Chain { get; } = chain;

    public IReadOnlyList<SharedLayer> Parents { get; } = parents;

    public int Users { get; set; }

    /// <summary>Held while the leaf gets another unique id.</summary>
    public SemaphoreSlim Renaming { get; } = new(1, 1);
}
