using XapiCompat.Disks.Vhd;

namespace XapiCompat.Storage.VhdTree;

/// <summary>Merging a base into its parent.</summary>
internal sealed partial class VhdTreeSr
{
    /// <summary>
    /// The parent's only readers come through this one child, which stores every sector that is copied: the copy goes on beside them
    /// all, and half of it shows nowhere. Then the parent takes the child's unique id, by which the data of empty leaves is named,
    /// and its children.
    /// </summary>
    private sealed class MergeWork(VhdTreeSr tree, MergeCandidate candidate, long outstanding) : UpwardWork(tree, candidate, outstanding)
    {
        public override CollectorWorkKind Kind => CollectorWorkKind.Merge;

        // Whoever opens a chain during the copy gets the parent's table of this moment, not one in the middle of a change.
        protected override TreeNode[] Kept() => [Node, Parent];

        protected override VhdFile OpenSource(IReadOnlyList<SharedLayer> kept) => kept[0].File;

        protected override async ValueTask<CollectorResult> DecideAsync(Guid uniqueId)
        {
            var children = Node.ChildNodes.ToList();
            await RelinkAsync(children, uniqueId);
            Parent.UniqueId = uniqueId;
            Parent.Size = Target!.VirtualSize;
            Parent.HasBlocks = Target.AllocatedBlockCount > 0;
            foreach (var child in children)
                Tree._index.Move(child, Parent);
            Tree._index.Remove(Node);
            var outdated = Tree._chains.Outdate(Node, [Parent, .. children]);
            Afterwards(() =>
            {
                // The journal stays with a file that does.
                if (!Tree.TryDeleteBase(Node, Parent))
                    return;
                Tree.Files.Flush();
                Tree.Files.DropJournal(JournalKind.Relink, Id);
                Tree.Files.Done();
            });
            return new(
                new(null, [Tree.Info(Parent), .. children.Select(Tree.Info)], [Key]),
                new Dictionary<string, string?> { [Key] = Parent.Key },
                [.. outdated.Select(node => node.Key)]);
        }

        private async ValueTask RelinkAsync(List<TreeNode> children, Guid uniqueId)
        {
            var moved = new List<TreeNode>();
            try
            {
                Tree.Files.WriteJournal(JournalKind.Relink, Id, ParentId);
                Tree.Files.DropJournal(JournalKind.Coalesce, Id);
                await IdentifyAsync(uniqueId);
                foreach (var child in children)
                {
                    moved.Add(child);
                    await Tree.RelinkAsync(child, ParentId, uniqueId);
                }
            }
            catch (Exception e) when (Faults.IsForeseen(e))
            {
                await UndoAsync(JournalKind.Relink, () => LinkBackAsync(moved));
                throw;
            }
        }

        private async ValueTask LinkBackAsync(List<TreeNode> moved)
        {
            foreach (var child in moved)
                await Tree.RelinkAsync(child, Id, Node.UniqueId);
            if (!Identified)
                return;

            // Opened anew: after a failed flush the other one takes nothing more.
            await using var file = Tree.Files.Open(ParentId, VhdAccess.ReadWrite);
            await file.SetUniqueIdAsync(Parent.UniqueId);
        }
    }
}
