using XapiCompat.Disks.Vhd;

namespace XapiCompat.Storage.VhdTree;

/// <summary>A base that is open for reading, once for all chains that go through it.</summary>
internal sealed class SharedLayer(TreeNode node, VhdFile file)
{
    public TreeNode Node { get; } = node;

    public VhdFile File { get; } = file;

    public int Users { get; set; }
}
