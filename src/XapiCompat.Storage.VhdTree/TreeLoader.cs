using XapiCompat.Disks.Vhd;

namespace XapiCompat.Storage.VhdTree;

/// <summary>Puts the files of a directory into the index by their headers alone. Changes no file.</summary>
internal sealed class TreeLoader(TreeDirectory directory, TreeIndex index)
{
    private readonly Dictionary<Guid, VhdHead> _heads = [];

    /// <summary>Adds every VHD that the index does not know yet.</summary>
    public void Load()
    {
        foreach (var id in directory.Ids(TreeDirectory.VhdSuffix).Where(id => !index.Knows(id)).ToArray())
        {
            if (Read(id, out var problem) is { } head)
                _heads.Add(id, head);
            else
                index.Break(id, problem, ParentClaim.Read(directory, id));
        }

        foreach (var id in _heads.Keys)
            Place(id);
        index.Strangers = directory.OtherDisks().Select(name => (Name: name, Claim: ParentClaim.Read(directory, name))).Where(s => s.Claim.Kind == ClaimKind.Named)
            .ToDictionary(s => s.Name, s => s.Claim, StringComparer.Ordinal);
        index.JudgeBroken();
    }

    private VhdHead? Read(Guid id, out string problem)
    {
        try
        {
            return directory.TryReadHead(id, out problem);
        }
        catch (Exception e) when (Faults.IsForeseen(e))
        {
            problem = e.Message;
            return null;
        }
    }

    // Up to the first ancestor that has its place or cannot have one, then down again; iterative, because the depth comes from files.
    private void Place(Guid id)
    {
        var way = new Stack<Guid>();
        var seen = new HashSet<Guid>();
        string? problem = null;
        for (Guid? next = id; next is { } current && index.Find(current) is null;)
        {
            if (!_heads.TryGetValue(current, out var head) || index.Broken.ContainsKey(current))
            {
                problem = TreeProblem.ParentMissing(current);
                break;
            }

            if (!seen.Add(current))
            {
                problem = TreeProblem.Loop;
                break;
            }

            way.Push(current);
            next = null;
            if (!head.HasParent)
                break;
            next = TreeDirectory.ParentId(head.Header!.Value.ParentName);
            if (next is null)
            {
                problem = TreeProblem.ForeignParent;
                break;
            }
        }

        while (way.TryPop(out var current))
        {
            problem ??= Add(current, _heads[current]);
            if (problem is not null)
                index.Break(current, problem, ParentClaim.Of(_heads[current]));
        }
    }

    private string? Add(Guid id, VhdHead head)
    {
        TreeNode? parent = null;
        if (head.HasParent)
        {
            parent = index.Find(TreeDirectory.ParentId(head.Header!.Value.ParentName) ?? Guid.Empty);
            if (parent is null || parent.UniqueId != head.Header.Value.ParentUniqueId)
                return TreeProblem.OtherParent;
        }

        index.Add(new TreeNode(id, head.Footer.UniqueId, head.Footer.CurrentSize, parent)
        {
            Hidden = head.Footer.Hidden != 0,
            Foreign = head.Footer.CreatorApplication != Footer.TapCreator,
            HasBlocks = head.HasBlocks,
            Observed = true,
            Meta = directory.ReadMeta(id) ?? VolumeMeta.None,
        });
        return null;
    }
}
