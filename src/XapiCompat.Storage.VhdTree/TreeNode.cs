using System.Security.Cryptography;

namespace XapiCompat.Storage.VhdTree;

/// <summary>
/// One VHD file of a tree: a leaf, which is a volume, or a base, which only carries what its children share. When a leaf
/// becomes a base, the node follows the file: it takes the new name, and a new node takes the volume's.
/// Guarded by the lock of its <see cref="VhdTreeSr"/> except where a member says otherwise.
/// </summary>
internal sealed class TreeNode(Guid id, Guid uniqueId, long size, TreeNode? parent)
{
    private HashSet<TreeNode>? _children;

    /// <summary>Uuid in the file's name.</summary>
    public Guid Id { get; set; } = id;

    /// <summary>The footer's unique id. Changed by writers.</summary>
    public Guid UniqueId { get; set; } = uniqueId;

    /// <summary>Virtual size in bytes.</summary>
    public long Size { get; set; } = size;

    public TreeNode? Parent { get; set; } = parent;

    /// <summary>Files in the chain from here to the root.</summary>
    public int Depth => 1 + Ancestors.Count();

    /// <summary>Nearest first.</summary>
    public IEnumerable<TreeNode> Ancestors
    {
        get
        {
            for (var node = Parent; node is not null; node = node.Parent)
                yield return node;
        }
    }

    /// <summary>The end of the chain; the same for all nodes of a tree.</summary>
    public TreeNode Root
    {
        get
        {
            var node = this;
            while (node.Parent is { } parent)
                node = parent;
            return node;
        }
    }

    /// <summary>The nodes of the index that name this one as their parent.</summary>
    public HashSet<TreeNode> ChildNodes => _children ??= [];

    public int Children => _children?.Count ?? 0;

    /// <summary>True for a base: no volume, and never written again.</summary>
    public bool Hidden { get; set; }

    /// <summary>
    /// Not of tapdisk's kind. A parent that others made without hiding it is a restore point of theirs: it stays a volume,
    /// to be read only.
    /// </summary>
    public bool Foreign { get; init; }

    /// <summary>Nobody may write to it: others show its data.</summary>
    public bool CarriesOthers => Hidden || Children > 0;

    /// <summary>True once a block is stored in this file; an open writer may know better.</summary>
    public bool HasBlocks { get; set; }

    /// <summary>
    /// Set when somebody has seen an id that stands for <see cref="UniqueId"/>; the next write has to give another first.
    /// Read by writers without a lock.
    /// </summary>
    public volatile bool Observed;

    /// <summary>Set when a change of the footer failed half-way: the file may have the old id and size or the new ones.</summary>
    public volatile bool Uncertain;

    public VolumeMeta Meta { get; set; } = VolumeMeta.None;

    public OpenNode Open { get; } = new();

    public string Key => Id.ToString("D");

    /// <summary>True while a child's blocks are copied into this base: nobody may look at it except through that child.</summary>
    public volatile bool Merging;

    public bool IsEmpty => !HasBlocks && !Open.WriterHasBlocks;

    /// <summary>
    /// Names the data of this disk: an empty leaf of its parent's size shows the parent's data, so that neither a snapshot
    /// nor its making changes what the state is called. One whose notes name the data keeps that name.
    /// </summary>
    public bool ShowsParent => Parent is not null && Parent.Size == Size && IsEmpty && Meta.Shown?.UniqueId != UniqueId;

    /// <summary>Stands for what this file and its parents store.</summary>
    public Guid DataName => Meta.Shown is { } shown && shown.UniqueId == UniqueId ? shown.Name : UniqueId;

    /// <summary>
    /// The state of the data and the volume, in one id: stable until a write, and different for two volumes with the
    /// same data, because a differential must not name itself as its base.
    /// </summary>
    public Guid ObserveDataId()
    {
        var node = this;
        while (node.ShowsParent)
            node = node.Parent!;
        if (node == this)
            Observed = true;

        Span<byte> input = stackalloc byte[32];
        Id.TryWriteBytes(input, bigEndian: true, out _);
        node.DataName.TryWriteBytes(input[16..], bigEndian: true, out _);
        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(input, hash);
        hash[6] = (byte)(hash[6] & 0x0F | 0x80);
        hash[8] = (byte)(hash[8] & 0x3F | 0x80);
        return new Guid(hash[..16], bigEndian: true);
    }
}
