namespace XapiCompat.Storage.VhdTree;

/// <summary>Making a leaf independent of its parents.</summary>
internal sealed partial class VhdTreeSr
{
    /// <summary>
    /// The leaf gets every sector that its parents show of it, beside its writers; at each moment it shows the same. With all of them
    /// it needs no parent, which the type in its footer says from then on.
    /// </summary>
    private sealed class FlattenWork(VhdTreeSr tree, TreeNode leaf) : ICollectorWork
    {
        private readonly Guid _id = leaf.Id;
        private SharedChain? _chain;
        private bool _copied;

        public CollectorWorkKind Kind => CollectorWorkKind.Flatten;

        public string Key { get; } = leaf.Key;

        public long Bytes => leaf.Size;

        public long Outstanding => leaf.Size;

        private bool IsCurrent => tree._index.Find(_id) == leaf && !leaf.Hidden && leaf.Open.Writer == _chain;

        public async ValueTask CopyAsync(Func<long, CancellationToken, ValueTask> copied, CancellationToken cancellationToken)
        {
            if (!await tree.LockedAsync(BeginAsync, StorageFault.General, "the VDI was not flattened", cancellationToken))
                return;
            var blocks = _chain!.Chain.Leaf.BlockCount;
            for (var block = 0; block < blocks; block++)
            {
                var number = block;
                var bytes = await tree.LockedAsync(() => ValueTask.FromResult(Pull(number)), StorageFault.General, "the VDI was not flattened", cancellationToken);
                if (bytes < 0)
                    return;
                if (bytes > 0)
                    await copied(bytes, cancellationToken);
            }

            _copied = true;
        }

        public async ValueTask<CollectorResult?> FinishAsync() =>
            _copied ? await tree.LockedAsync(EndAsync, StorageFault.General, "the VDI was not flattened", CancellationToken.None) : null;

        public async ValueTask DisposeAsync()
        {
            if (_chain is not null)
                await tree._chains.ReturnAsync(_chain);
        }

        private async ValueTask<bool> BeginAsync()
        {
            if (tree._index.Find(_id) != leaf || leaf.Hidden)
                return false;

            // An empty leaf's data is named after its parent's, and goes on being so when it is not empty any more.
            if (leaf.ShowsParent)
            {
                var shown = leaf.Ancestors.First(node => !node.ShowsParent).DataName;
                var meta = leaf.Meta with { Shown = (leaf.UniqueId, shown) };
                await tree.Files.WriteMetaAsync(_id, meta);
                leaf.Meta = meta;
                leaf.Observed = true;
            }

            _chain = tree._chains.Borrow(leaf, DatapathMode.ReadWrite);
            return true;
        }

        private async ValueTask ForgetParentAsync(Guid uniqueId)
        {
            try
            {
                await _chain!.Chain.Leaf.ForgetParentAsync(uniqueId);
            }
            catch (Exception e) when (Faults.IsForeseen(e))
            {
                // What the footer says by now is true, however far this came.
                leaf.Uncertain = true;
                if (tree.Files.TryReadHead(_id, out _) is not { HasParent: false })
                    throw;
            }
        }

        /// <summary>Under the tree's lock: a base that a snapshot has just made of the leaf may be opened by others, and is not written any more.</summary>
        private int Pull(int block)
        {
            if (!IsCurrent)
                return -1;
            tree.Files.Step("pull block " + block + " of " + Key);
            return _chain!.Chain.Pull(block);
        }

        private async ValueTask<CollectorResult?> EndAsync()
        {
            if (!IsCurrent || leaf.Parent is not { } parent)
                return null;
            var uniqueId = leaf.DataName;
            tree.Files.Step("forget the parent of " + Key);
            await ForgetParentAsync(uniqueId);
            tree._chains.Abandon(leaf);
            tree._index.Move(leaf, null);
            leaf.UniqueId = uniqueId;
            leaf.Observed = true;
            var removed = new List<string>();
            tree.RemoveBases(parent, removed);
            if (leaf.Meta.Shown is not null)
                leaf.Meta = leaf.Meta with { Shown = null };
            Afterwards(() =>
            {
                tree.Files.Flush();
                tree.Files.Done();
            });
            return new(new(null, [tree.Info(leaf)], removed), removed.ToDictionary(key => key, _ => (string?)null), []);
        }
    }
}
