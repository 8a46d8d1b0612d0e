using XapiCompat.Disks.Vhd;

namespace XapiCompat.Storage.VhdTree;

/// <summary>
/// What the collector has to know of open chains. They stay as they are for those who have them; what was opened before a change
/// of the tree is only not given to others any more.
/// </summary>
internal sealed partial class OpenChains
{
    /// <summary>True when somebody reads a base, but not through that one of its children.</summary>
    public bool IsReadAround(TreeNode target, TreeNode child)
    {
        lock (_lock)
            return _open.Any(chain => Uses(chain, target) && !Uses(chain, child));
    }

    /// <summary>The file of an open writer, lest another handle on it go on with what it remembers; null without a writer.</summary>
    public SharedChain? TryBorrowWriter(TreeNode node)
    {
        lock (_lock)
        {
            if (node.Open.Writer is { } writer)
                writer.Users++;
            return node.Open.Writer;
        }
    }

    /// <summary>The node is gone, and its parent and children have changed: who opens them anew sees that.</summary>
    /// <returns>The nodes whose open writer still goes through the node.</returns>
    public IReadOnlyList<TreeNode> Outdate(TreeNode gone, IEnumerable<TreeNode> changed)
    {
        lock (_lock)
        {
            foreach (var node in changed)
                node.Open.Layer = null;
            foreach (var chain in _open.Where(chain => Uses(chain, gone) && chain.Node.Open.Reader == chain))
                chain.Node.Open.Reader = null;
            return [.. _open.Where(chain => Uses(chain, gone) && chain.Node.Open.Writer == chain).Select(chain => chain.Node)];
        }
    }

    /// <summary>A new chain in place of a writer's that goes through nodes that are gone; null when there is no such writer.</summary>
    public SharedChain? Renew(TreeNode node)
    {
        lock (_lock)
        {
            if (node.Open.Writer is not { } old || old.Parents.Select(layer => layer.Node).SequenceEqual(node.Ancestors))
                return null;
            var chain = OpenChain(node, VhdAccess.ReadWrite);
            chain.Users++;
            node.HasBlocks |= node.Open.WriterHasBlocks;
            node.Open.Writer = chain;
            node.Open.Reader = null;
            return chain;
        }
    }

    /// <summary>The file has been changed so that it must be opened anew.</summary>
    public void Abandon(TreeNode node)
    {
        lock (_lock)
        {
            node.HasBlocks |= node.Open.WriterHasBlocks;
            node.Open.Writer = null;
            node.Open.Reader = null;
        }
    }

    private static bool Uses(SharedChain chain, TreeNode node) => chain.Node == node || chain.Parents.Any(layer => layer.Node == node);
}
