using System.Diagnostics.CodeAnalysis;

namespace XapiCompat.Storage.VhdTree;

/// <summary>
/// All files of a tree, in memory, so that no operation has to open a chain to know its parents, depth or size.
/// </summary>
internal sealed class TreeIndex
{
    private readonly Dictionary<Guid, TreeNode> _nodes = [];
    private readonly BrokenFiles _broken = new();
    private readonly Dictionary<Guid, TreeNode?> _abandoned = [];
    private readonly HashSet<Guid> _reserved = [];

    public IReadOnlyCollection<TreeNode> Nodes => _nodes.Values;

    /// <summary>Files that are no usable part of the tree, and why; they are left alone.</summary>
    public IReadOnlyDictionary<Guid, string> Broken => _broken.Reasons;

    /// <summary>False when the last look at the directory failed before its end.</summary>
    public bool IsJudged => _broken.IsJudged;

    /// <summary>Broken files may stand on any node: nothing may be merged or removed.</summary>
    public bool IsAllHeld => _broken.HoldAll;

    /// <summary>Disks with parents that have no place in the tree because their names are no uuids, and what they say of their parents.</summary>
    public IReadOnlyDictionary<string, ParentClaim> Strangers { get; set; } = new Dictionary<string, ParentClaim>();

    /// <summary>Files that nobody needs any more and that could not be deleted yet.</summary>
    public IReadOnlyCollection<Guid> Abandoned => _abandoned.Keys;

    public bool Knows(Guid id) => _nodes.ContainsKey(id) || _broken.Reasons.ContainsKey(id) || _abandoned.ContainsKey(id) || _reserved.Contains(id);

    public bool TryFind(string key, [NotNullWhen(true)] out TreeNode? node)
    {
        node = null;
        return TreeDirectory.TryParse(key, out var id) && _nodes.TryGetValue(id, out node);
    }

    public TreeNode Find(string key) => TryFind(key, out var node) ? node : throw StorageException.Missing(key);

    public TreeNode? Find(Guid id) => _nodes.GetValueOrDefault(id);

    public void Add(TreeNode node)
    {
        _nodes.Add(node.Id, node);
        node.Parent?.ChildNodes.Add(node);
    }

    public void Remove(TreeNode node)
    {
        _nodes.Remove(node.Id);
        node.Parent?.ChildNodes.Remove(node);
    }

    /// <summary>
    /// The file is of no use, and could not be deleted. What it stands on stays as it is until that works: without it, the next attach
    /// could not tell what the file is.
    /// </summary>
    public void Abandon(Guid id, TreeNode? on) => _abandoned[id] = on;

    /// <summary>The file is deleted.</summary>
    public void Forget(Guid id) => _abandoned.Remove(id);

    /// <summary>True for the tree of a file that could not be deleted.</summary>
    public bool CarriesAbandoned(TreeNode node) => _abandoned.Count > 0 && _abandoned.Values.Any(on => on?.Root == node.Root);

    /// <summary>A name of a file that is known by another one.</summary>
    public void Reserve(Guid id) => _reserved.Add(id);

    public void Release(Guid id) => _reserved.Remove(id);

    /// <summary>The leaf's file has become the base <paramref name="baseId"/>, and a new file has the leaf's name.</summary>
    public TreeNode Switch(TreeNode leaf, Guid baseId, Guid newUniqueId)
    {
        _nodes.Remove(leaf.Id);
        var replacement = new TreeNode(leaf.Id, newUniqueId, leaf.Size, leaf) { Meta = leaf.Meta };
        leaf.HasBlocks = !leaf.IsEmpty;
        leaf.Hidden = true;
        leaf.Meta = VolumeMeta.None;
        leaf.Id = baseId;
        _nodes.Add(baseId, leaf);
        Add(replacement);
        return replacement;
    }

    /// <summary>A node hangs on another parent from now on, or on none.</summary>
    public void Move(TreeNode node, TreeNode? parent)
    {
        node.Parent?.ChildNodes.Remove(node);
        node.Parent = parent;
        parent?.ChildNodes.Add(node);
    }

    /// <summary>The leaf's parent has taken the leaf's name and place; the leaf's own file is gone.</summary>
    public void Succeed(TreeNode leaf)
    {
        var parent = leaf.Parent!;
        Remove(leaf);
        _nodes.Remove(parent.Id);
        parent.Id = leaf.Id;
        parent.Hidden = false;
        parent.Meta = leaf.Meta;
        _nodes.Add(parent.Id, parent);

        // Keeps those who still have the old file open from writing to it.
        leaf.Hidden = true;
    }

    public void Break(Guid id, string reason, ParentClaim claim) => _broken.Add(id, reason, claim);

    /// <inheritdoc cref="BrokenFiles.Judge(TreeIndex)"/>
    public void JudgeBroken() => _broken.Judge(this);

    /// <inheritdoc cref="BrokenFiles.Hold"/>
    public bool IsHeld(TreeNode node) => _broken.Hold(node);

    /// <summary>
    /// Drops the files that are not in the directory any more, bases with children excepted, and the judgement on broken ones.
    /// </summary>
    public void Forget(Func<Guid, bool> exists)
    {
        foreach (var node in _nodes.Values.Where(n => n.Children == 0 && !exists(n.Id)).ToArray())
            Remove(node);
        _broken.Clear();
        foreach (var gone in _abandoned.Keys.Where(id => !exists(id)).ToArray())
            _abandoned.Remove(gone);
    }
}
