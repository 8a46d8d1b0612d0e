namespace XapiCompat.Storage.VhdTree;

/// <summary>Something that can be merged into its parent.</summary>
/// <param name="Bytes">What the node stores, at most.</param>
internal sealed record MergeCandidate(TreeNode Node, TreeNode Parent, long Bytes)
{
    /// <summary>True as long as the tree around is as it has to be: whatever changed in it meanwhile.</summary>
    public bool Fits => Node.Parent == Parent
        && Parent is { Children: 1, Hidden: true }
        && Node.Size >= Parent.Size
        && Node.Hidden == (Node.Children > 0)
        && !Node.Uncertain;
}

/// <summary>
/// What can be merged, in the order in which it is worth it: bases of the tallest tree first and near the root, leaves when there is
/// no such base. The whole tree is looked at only when the last list is used up. Guarded by the tree's lock.
/// </summary>
internal sealed class TreePlan(TreeIndex index, OpenChains chains, TreeDirectory directory, Func<TreeNode, bool> isBlocked)
{
    private readonly Queue<MergeCandidate> _queue = new();

    /// <summary>Bytes of all that is still in the list.</summary>
    public long Outstanding { get; private set; }

    /// <summary>True when something could be merged if nobody read it just now, or if there were room.</summary>
    public bool HasWaiting { get; private set; }

    public MergeCandidate? Next(CollectorPolicy policy)
    {
        HasWaiting = false;
        var free = new Lazy<long>(() => new DriveInfo(directory.Path).AvailableFreeSpace);
        if (Take(policy, free) is { } next)
            return next;
        Fill();
        return Take(policy, free);
    }

    private MergeCandidate? Take(CollectorPolicy policy, Lazy<long> free)
    {
        while (_queue.TryDequeue(out var listed))
        {
            Outstanding -= listed.Bytes;

            // The work before may have given it another parent.
            if (listed.Node.Parent is not { } parent)
                continue;
            var candidate = listed with { Parent = parent };
            if (index.Find(candidate.Node.Id) != candidate.Node || !candidate.Fits || isBlocked(candidate.Node) || policy.Skip.Contains(candidate.Node.Key))
                continue;
            if (!candidate.Node.Hidden && !(policy.MergeLeaves && policy.MayMergeLeaf(candidate.Node.Key)))
                continue;
            if (candidate.Bytes <= free.Value && !chains.IsReadAround(candidate.Parent, candidate.Node))
                return candidate;
            HasWaiting = true;
        }

        return null;
    }

    private void Fill()
    {
        var heights = new Dictionary<TreeNode, int>();
        var found = index.Nodes
            .Where(node => node.Parent is { Children: 1 })
            .Select(node => new MergeCandidate(node, node.Parent!, node.IsEmpty ? 0 : directory.Length(node.Id)))
            .Where(candidate => candidate.Fits && !isBlocked(candidate.Node))
            .Select(candidate => (Candidate: candidate, Depth: candidate.Node.Depth, Height: HeightOf(candidate.Node, heights)))
            .OrderBy(c => !c.Candidate.Node.Hidden)
            .ThenByDescending(c => c.Height)
            .ThenBy(c => c.Depth)
            .Select(c => c.Candidate);
        foreach (var candidate in found.ToList())
        {
            _queue.Enqueue(candidate);
            Outstanding += candidate.Bytes;
        }
    }

    /// <summary>Files in the longest chain of a node's tree.</summary>
    private static int HeightOf(TreeNode node, Dictionary<TreeNode, int> heights)
    {
        var root = node.Root;
        if (heights.TryGetValue(root, out var known))
            return known;
        var height = 0;
        var level = new List<TreeNode> { root };
        for (; level.Count > 0; height++)
            level = [.. level.Where(n => n.Children > 0).SelectMany(n => n.ChildNodes)];
        return heights[root] = height;
    }
}
