using XapiCompat.Disks.Vhd;

namespace XapiCompat.Storage.VhdTree;

/// <summary>Merging a leaf into its parent.</summary>
internal sealed partial class VhdTreeSr
{
    /// <summary>
    /// The base gets what the leaf stores, and then the leaf's unique id and, by one rename, its name: the volume keeps its key, its
    /// sidecar and the name of its data. Nobody writes to the leaf meanwhile.
    /// </summary>
    private sealed class LeafWork(VhdTreeSr tree, MergeCandidate candidate, long outstanding) : ICollectorWork
    {
        private readonly TreeNode _leaf = candidate.Node;
        private readonly TreeNode _parent = candidate.Parent;
        private readonly Guid _id = candidate.Node.Id;
        private readonly Guid _parentId = candidate.Parent.Id;
        private IReadOnlyList<SharedLayer> _layers = [];
        private VhdFile? _source;
        private VhdFile? _target;
        private bool _copied;
        private bool _identified;

        public CollectorWorkKind Kind => CollectorWorkKind.MergeLeaf;

        public string Key { get; } = candidate.Node.Key;

        public long Bytes => candidate.Bytes;

        public long Outstanding => outstanding;

        private bool IsCurrent => tree._index.Find(_id) == _leaf && candidate.Fits;

        public async ValueTask CopyAsync(Func<long, CancellationToken, ValueTask> copied, CancellationToken cancellationToken)
        {
            if (!await tree.LockedAsync(() => ValueTask.FromResult(Begin()), StorageFault.General, "nothing was merged", cancellationToken))
                return;
            try
            {
                await _source!.CoalesceIntoAsync(_target!, Copying(tree, Key, copied), cancellationToken);
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
            if (_source is not null)
                await _source.DisposeAsync();
            if (_target is not null)
                await _target.DisposeAsync();
        }

        private bool Begin()
        {
            if (!IsCurrent || tree._chains.IsReadAround(_parent, _leaf))
                return false;
            _layers = tree._chains.Borrow([_parent]);
            _parent.Merging = true;
            tree.Files.WriteJournal(JournalKind.Coalesce, _id, _parentId);
            _source = tree.Files.Open(_id, VhdAccess.Read);
            _target = tree.Files.Open(_parentId, VhdAccess.ReadWrite);
            return true;
        }

        private async ValueTask<CollectorResult?> EndAsync()
        {
            // The unique id tells of writers that were not held off, and of a resize.
            if (!IsCurrent || _leaf.UniqueId != _source!.UniqueId || _leaf.Size != _source.VirtualSize)
            {
                tree.Files.TryDropJournal(JournalKind.Coalesce, _id);
                return null;
            }

            var uniqueId = _leaf.ShowsParent ? _parent.UniqueId : _leaf.UniqueId;
            await SucceedAsync(uniqueId);
            tree._index.Succeed(_leaf);
            _parent.UniqueId = uniqueId;
            _parent.Size = _target!.VirtualSize;
            _parent.HasBlocks = _target.AllocatedBlockCount > 0;
            _parent.Observed = true;
            _parent.Merging = false;
            tree._chains.Outdate(_leaf, [_parent]);
            Afterwards(() =>
            {
                tree.Files.DropJournal(JournalKind.Leaf, _id);
                tree.Files.Done();
            });
            return new(
                new(null, [tree.Info(_parent)], [_parentId.ToString("D")]),
                new Dictionary<string, string?> { [_parentId.ToString("D")] = _parent.Parent?.Key },
                []);
        }

        private async ValueTask SucceedAsync(Guid uniqueId)
        {
            try
            {
                tree.Files.WriteJournal(JournalKind.Leaf, _id, _parentId);
                tree.Files.DropJournal(JournalKind.Coalesce, _id);
                if (uniqueId != _parent.UniqueId)
                {
                    _identified = true;
                    tree.Files.Step("identify " + _parentId);
                    await _target!.SetUniqueIdAsync(uniqueId);
                }

                tree.Files.Step("unhide " + _parentId);
                await _target!.SetHiddenAsync(false);
                if (tree.Files.Durable)
                    await _target.FlushAsync();
                tree.Files.Move(tree.Files.PathOf(_parentId), tree.Files.PathOf(_id));
                Afterwards(tree.Files.Flush);
            }
            catch (Exception e) when (Faults.IsForeseen(e))
            {
                await UndoAsync();
                throw;
            }
        }

        private async ValueTask UndoAsync()
        {
            try
            {
                // Opened anew: after a failed flush the other one takes nothing more.
                await using (var file = tree.Files.Open(_parentId, VhdAccess.ReadWrite))
                {
                    await file.SetHiddenAsync(true);
                    if (_identified)
                        await file.SetUniqueIdAsync(_parent.UniqueId);
                }

                tree.Files.TryDropJournal(JournalKind.Leaf, _id);
                tree.Files.TryDropJournal(JournalKind.Coalesce, _id);
            }
            catch (Exception e) when (Faults.IsForeseen(e))
            {
                // Neither forth nor back: the journal leads the next attach.
            }
        }
    }
}
