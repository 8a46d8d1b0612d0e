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
    private sealed class MergeWork(VhdTreeSr tree, MergeCandidate candidate, long outstanding) : ICollectorWork
    {
        private readonly TreeNode _node = candidate.Node;
        private readonly TreeNode _parent = candidate.Parent;
        private readonly Guid _id = candidate.Node.Id;
        private IReadOnlyList<SharedLayer> _layers = [];
        private VhdFile? _target;
        private bool _copied;
        private bool _identified;

        public CollectorWorkKind Kind => CollectorWorkKind.Merge;

        public string Key { get; } = candidate.Node.Key;

        public long Bytes => candidate.Bytes;

        public long Outstanding => outstanding;

        private bool IsCurrent => tree._index.Find(_id) == _node && candidate.Fits;

        public async ValueTask CopyAsync(Func<long, CancellationToken, ValueTask> copied, CancellationToken cancellationToken)
        {
            if (!await tree.LockedAsync(() => ValueTask.FromResult(Begin()), StorageFault.General, "nothing was merged", cancellationToken))
                return;
            try
            {
                await _layers[0].File.CoalesceIntoAsync(_target!, Copying(tree, Key, copied), cancellationToken);
                _copied = true;
            }
            catch (Exception e) when (Faults.IsForeseen(e) || e is OperationCanceledException or NotSupportedException)
            {
                tree.Files.TryDropJournal(JournalKind.Coalesce, _id);
                throw;
            }
        }

        public async ValueTask<CollectorResult?> FinishAsync() =>
            _copied ? await tree.LockedAsync(EndAsync, StorageFault.General, "nothing was merged", CancellationToken.None) : null;

        public async ValueTask DisposeAsync()
        {
            _parent.Merging = false;
            await tree._chains.ReturnAsync(_layers);
            if (_target is not null)
                await _target.DisposeAsync();
        }

        private bool Begin()
        {
            if (!IsCurrent || tree._chains.IsReadAround(_parent, _node))
                return false;

            // Whoever opens a chain during the copy gets the parent's table of this moment, not one in the middle of a change.
            _layers = tree._chains.Borrow([_node, _parent]);
            _parent.Merging = true;
            tree.Files.WriteJournal(JournalKind.Coalesce, _id, _parent.Id);
            _target = tree.Files.Open(_parent.Id, VhdAccess.ReadWrite);
            return true;
        }

        private async ValueTask<CollectorResult?> EndAsync()
        {
            if (!IsCurrent)
            {
                tree.Files.TryDropJournal(JournalKind.Coalesce, _id);
                return null;
            }

            var children = _node.ChildNodes.ToList();
            var uniqueId = _node.ShowsParent ? _parent.UniqueId : _node.UniqueId;
            await RelinkAsync(children, uniqueId);
            _parent.UniqueId = uniqueId;
            _parent.Size = _target!.VirtualSize;
            _parent.HasBlocks = _target.AllocatedBlockCount > 0;
            foreach (var child in children)
                tree._index.Move(child, _parent);
            tree._index.Remove(_node);
            var outdated = tree._chains.Outdate(_node, [_parent, .. children]);
            Afterwards(() =>
            {
                // The journal stays with a file that does.
                if (!tree.TryDelete(_id, TreeDirectory.VhdSuffix))
                {
                    tree._index.Abandon(_id);
                    return;
                }

                tree.Files.Flush();
                tree.Files.DropJournal(JournalKind.Relink, _id);
                tree.Files.Done();
            });
            return new(
                new(null, [tree.Info(_parent), .. children.Select(tree.Info)], [Key]),
                new Dictionary<string, string?> { [Key] = _parent.Key },
                [.. outdated.Select(node => node.Key)]);
        }

        private async ValueTask RelinkAsync(List<TreeNode> children, Guid uniqueId)
        {
            var moved = new List<TreeNode>();
            try
            {
                tree.Files.WriteJournal(JournalKind.Relink, _id, _parent.Id);
                tree.Files.DropJournal(JournalKind.Coalesce, _id);
                if (uniqueId != _parent.UniqueId)
                {
                    _identified = true;
                    tree.Files.Step("identify " + _parent.Id);
                    await _target!.SetUniqueIdAsync(uniqueId);
                }

                foreach (var child in children)
                {
                    moved.Add(child);
                    await tree.RelinkAsync(child, _parent.Id, uniqueId);
                }
            }
            catch (Exception e) when (Faults.IsForeseen(e))
            {
                await UndoAsync(moved);
                throw;
            }
        }

        private async ValueTask UndoAsync(List<TreeNode> moved)
        {
            try
            {
                foreach (var child in moved)
                    await tree.RelinkAsync(child, _id, _node.UniqueId);
                if (_identified)
                {
                    // Opened anew: after a failed flush the other one takes nothing more.
                    await using var file = tree.Files.Open(_parent.Id, VhdAccess.ReadWrite);
                    await file.SetUniqueIdAsync(_parent.UniqueId);
                }

                tree.Files.TryDropJournal(JournalKind.Relink, _id);
                tree.Files.TryDropJournal(JournalKind.Coalesce, _id);
            }
            catch (Exception e) when (Faults.IsForeseen(e))
            {
                // Neither forth nor back: the journal leads the next attach.
            }
        }
    }

    /// <summary>Names each block as a place to stop at, and tells the bytes of the one before.</summary>
    private static Func<int, CancellationToken, ValueTask> Copying(VhdTreeSr tree, string key, Func<long, CancellationToken, ValueTask> copied)
    {
        var bytes = 0L;
        return async (block, cancellationToken) =>
        {
            await copied(bytes, cancellationToken);
            bytes = VhdLimits.DefaultBlockSize;
            tree.Files.Step("copy block " + block + " of " + key);
        };
    }
}
