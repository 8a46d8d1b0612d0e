using XapiCompat.Disks.Vhd;

namespace XapiCompat.Storage.VhdTree;

/// <summary>Merging a leaf into its parent.</summary>
internal sealed partial class VhdTreeSr
{
    /// <summary>
    /// The base gets what the leaf stores, and then the leaf's unique id and, by one rename, its name: the volume keeps its key, its
    /// sidecar and the name of its data. Nobody writes to the leaf meanwhile.
    /// </summary>
    private sealed class LeafWork(VhdTreeSr tree, MergeCandidate candidate, long outstanding) : UpwardWork(tree, candidate, outstanding)
    {
        private VhdFile? _source;

        public override CollectorWorkKind Kind => CollectorWorkKind.MergeLeaf;

        // The unique id tells of writers that were not held off, and of a resize.
        protected override bool IsCurrent =>
            base.IsCurrent && (_source is null || (Node.UniqueId == _source.UniqueId && Node.Size == _source.VirtualSize));

        public override async ValueTask DisposeAsync()
        {
            await base.DisposeAsync();
            if (_source is not null)
                await _source.DisposeAsync();
        }

        protected override TreeNode[] Kept() => [Parent];

        protected override VhdFile OpenSource(IReadOnlyList<SharedLayer> kept) => _source = Tree.Files.Open(Id, VhdAccess.Read);

        protected override async ValueTask<CollectorResult> DecideAsync(Guid uniqueId)
        {
            await SucceedAsync(uniqueId);
            Tree._index.Succeed(Node);
            Parent.UniqueId = uniqueId;
            Parent.Size = Target!.VirtualSize;
            Parent.HasBlocks = Target.AllocatedBlockCount > 0;
            Parent.Observed = true;
            Parent.Merging = false;
            Tree._chains.Outdate(Node, [Parent]);
            Afterwards(() =>
            {
                Tree.Files.DropJournal(JournalKind.Leaf, Id);
                Tree.Files.Done();
            });
            return new(
                new(null, [Tree.Info(Parent)], [ParentId.ToString("D")]),
                new Dictionary<string, string?> { [ParentId.ToString("D")] = Parent.Parent?.Key },
                []);
        }

        private async ValueTask SucceedAsync(Guid uniqueId)
        {
            try
            {
                Tree.Files.WriteJournal(JournalKind.Leaf, Id, ParentId);
                Tree.Files.DropJournal(JournalKind.Coalesce, Id);
                await IdentifyAsync(uniqueId);
                Tree.Files.Step("unhide " + ParentId);
                await Target!.SetHiddenAsync(false);
                if (Tree.Files.Durable)
                    await Target.FlushAsync();
                Tree.Files.Move(Tree.Files.PathOf(ParentId), Tree.Files.PathOf(Id));
                Afterwards(Tree.Files.Flush);
            }
            catch (Exception e) when (Faults.IsForeseen(e))
            {
                await UndoAsync(JournalKind.Leaf, HideAgainAsync);
                throw;
            }
        }

        private async ValueTask HideAgainAsync()
        {
            // Opened anew: after a failed flush the other one takes nothing more.
            await using var file = Tree.Files.Open(ParentId, VhdAccess.ReadWrite);
            await file.SetHiddenAsync(true);
            if (Identified)
                await file.SetUniqueIdAsync(Parent.UniqueId);
        }
    }
}
