namespace XapiCompat.Storage.VhdTree;

/// <summary>
/// The files that are no usable part of the tree, and what must stay as it is because of them. A merge changes what a node shows or
/// takes it away, and whoever stands on it unseen would lose data. So:
/// <list type="bullet">
/// <item>A file that says it has no parent holds nothing.</item>
/// <item>One whose parent is here holds the whole tree of that parent: of the file with the parent's name, and of each with the
/// parent's unique id, because a merge gives files other names.</item>
/// <item>Any other holds all trees. It may be the child of any base: it cannot be read, or is still being copied, or the file between it
/// and a base is missing and may come back.</item>
/// </list>
/// </summary>
internal sealed class BrokenFiles
{
    private readonly Dictionary<Guid, string> _reasons = [];
    private readonly Dictionary<Guid, ParentClaim> _claims = [];
    private readonly HashSet<TreeNode> _held = [];

    public IReadOnlyDictionary<Guid, string> Reasons => _reasons;

    /// <summary>Nothing at all may be merged or removed.</summary>
    public bool HoldAll { get; private set; }

    /// <summary>False from <see cref="Clear"/> to <see cref="Judge(TreeIndex)"/>.</summary>
    public bool IsJudged { get; private set; } = true;

    public void Add(Guid id, string reason, ParentClaim claim) => (_reasons[id], _claims[id]) = (reason, claim);

    /// <summary>Comes before another look. Until that has come to its end, nothing is known of any file.</summary>
    public void Clear()
    {
        _reasons.Clear();
        _claims.Clear();
        (IsJudged, HoldAll) = (false, true);
    }

    /// <summary>Neither this node nor anything else of its tree may be merged or removed, except for what a client destroys.</summary>
    public bool Hold(TreeNode node)
    {
        if (HoldAll || _held.Count == 0)
            return HoldAll;
        var root = node.Root;
        return _held.Any(held => held.Root == root);
    }

    /// <summary>Finds out what is held, with all files in their places.</summary>
    public void Judge(TreeIndex index)
    {
        _held.Clear();
        (IsJudged, HoldAll) = (true, false);
        if (_claims.Count + index.Strangers.Count == 0)
            return;
        var wanted = _claims.Values.Concat(index.Strangers.Values).Select(claim => claim.UniqueId).Where(id => id != Guid.Empty).ToHashSet();
        var named = index.Nodes.Where(node => wanted.Contains(node.UniqueId)).ToLookup(node => node.UniqueId);
        foreach (var claim in _claims.Values)
            HoldAll |= !Judge(claim, index, named[claim.UniqueId]);

        // What stands on no file of the tree is none of its business.
        foreach (var stranger in index.Strangers.Values)
            Judge(stranger, index, named[stranger.UniqueId]);
    }

    /// <summary>False when it is open what the file stands on.</summary>
    private bool Judge(ParentClaim claim, TreeIndex index, IEnumerable<TreeNode> namesakes)
    {
        var parent = claim.Parent is { } id ? index.Find(id) : null;
        switch (claim.Kind)
        {
            case ClaimKind.None:
                return true;
            case ClaimKind.Damaged when parent is null || parent.UniqueId != claim.UniqueId:
            case ClaimKind.Unknown:
                return false;
        }

        var isNamed = namesakes.Any();
        _held.UnionWith(namesakes);
        if (parent is not null)
            _held.Add(parent);

        // A parent that is broken as well says for itself what it stands on.
        return claim.Parent is { } name ? parent is not null || _reasons.ContainsKey(name) : isNamed;
    }
}
