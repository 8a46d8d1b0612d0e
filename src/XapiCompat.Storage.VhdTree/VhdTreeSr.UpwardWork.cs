using XapiCompat.Disks.Vhd;

namespace XapiCompat.Storage.VhdTree;

/// <summary>What merging a base and merging a leaf have in common.</summary>
internal sealed partial class VhdTreeSr
{
    /// <summary>
    /// The parent gets what its only child stores, block by block. A journal says so from before the first block until the merge is
    /// decided; until then nothing that anybody sees has changed.
    /// </summary>
    private abstract class UpwardWork(VhdTreeSr tree, MergeCandidate candidate, long outstanding) : ICollectorWork
    {
        private IReadOnlyList<SharedLayer> _layers = [];
        private bool _copied;
        private bool _decided;

        public abstract CollectorWorkKind Kind { get; }

        public string Key { get; } = candidate.Node.Key;

        public long Bytes => candidate.Bytes;

        public long Outstanding => outstanding;

        protected VhdTreeSr Tree => tree;

        protected TreeNode Node { get; } = candidate.Node;

        protected TreeNode Parent { get; } = candidate.Parent;

        /// <summary>The child's name at the beginning.</summary>
        protected Guid Id { get; } = candidate.Node.Id;

        /// <summary>The parent's name at the beginning.</summary>
        protected Guid ParentId { get; } = candidate.Parent.Id;

        /// <summary>The parent's file, from the beginning of the copy.</summary>
        protected VhdFile? Target { get; private set; }

        /// <summary>True once the parent's unique id may be the child's.</summary>
        protected bool Identified { get; private set; }

        protected virtual bool IsCurrent => tree._index.Find(Id) == Node && candidate.Fits && !tree.IsBlocked(Node);

        public async ValueTask CopyAsync(Func<long, CancellationToken, ValueTask> copied, CancellationToken cancellationToken)
        {
            if (await tree.LockedAsync(BeginAsync, StorageFault.General, "nothing was merged", cancellationToken) is not { } source)
                return;
            try
            {
                await source.CoalesceIntoAsync(Target!, Steps(copied), cancellationToken);
                _copied = true;
            }
            catch (Exception e) when (Faults.IsForeseen(e) || e is OperationCanceledException or NotSupportedException)
            {
                tree.Files.TryDropJournal(JournalKind.Coalesce, Id);
                throw;
            }
        }

        public async ValueTask<CollectorResult?> FinishAsync() =>
            _copied ? await tree.LockedAsync(EndAsync, StorageFault.General, "nothing was merged", CancellationToken.None) : null;

        public virtual async ValueTask DisposeAsync()
        {
            Parent.Merging = false;
            await tree._chains.ReturnAsync(_layers);
            if (Target is null)
                return;

            // It stays as large as the copy has made it.
            if (!_decided)
                Parent.Size = Target.VirtualSize;
            await Target.DisposeAsync();
        }

        /// <summary>What others read through the parent during the copy, so that they see its table of before.</summary>
        protected abstract TreeNode[] Kept();

        /// <summary>The child's file.</summary>
        protected abstract VhdFile OpenSource(IReadOnlyList<SharedLayer> kept);

        /// <summary>Makes the parent stand for the child, in files and in the index.</summary>
        protected abstract ValueTask<CollectorResult> DecideAsync(Guid uniqueId);

        /// <summary>The parent's footer takes the child's unique id.</summary>
        protected async ValueTask IdentifyAsync(Guid uniqueId)
        {
            if (uniqueId == Parent.UniqueId)
                return;
            Identified = true;
            tree.Files.Step("identify " + ParentId);
            await Target!.SetUniqueIdAsync(uniqueId);
        }

        /// <summary>Runs the undoing of a decision, its journal included; as long as that does not work, the tree counts as half done.</summary>
        protected async ValueTask UndoAsync(JournalKind decision, Func<ValueTask> undo)
        {
            try
            {
                await TakeBackAsync();
            }
            catch (Exception e) when (Faults.IsForeseen(e))
            {
                tree._halfDone.Add((Parent, TakeBackAsync));
            }

            async ValueTask TakeBackAsync()
            {
                await undo();
                tree.Files.DropJournal(decision, Id);
                tree.Files.Flush();
                tree.Files.TryDropJournal(JournalKind.Coalesce, Id);
            }
        }

        private async ValueTask<VhdFile?> BeginAsync()
        {
            if (!IsCurrent || tree._chains.IsReadAround(Parent, Node))
                return null;
            _layers = tree._chains.Borrow(Kept());
            Parent.Merging = true;
            await KeepNameAsync();
            tree.Files.WriteJournal(JournalKind.Coalesce, Id, ParentId);
            var source = OpenSource(_layers);
            Target = tree.Files.Open(ParentId, VhdAccess.ReadWrite);
            return source;
        }

        /// <summary>
        /// An empty node that is larger than its parent has a name of its own for its data, by its size alone. The copy makes the parent as
        /// large, for good, and then only a note tells.
        /// </summary>
        private async ValueTask KeepNameAsync()
        {
            if (!Node.IsEmpty || Node.ShowsParent || Node.Meta.Shown?.UniqueId == Node.UniqueId)
                return;
            var meta = Node.Meta with { Shown = (Node.UniqueId, Node.UniqueId) };
            await tree.Files.WriteMetaAsync(Id, meta);
            Node.Meta = meta;
            tree.Files.Flush();
        }

        private async ValueTask<CollectorResult?> EndAsync()
        {
            if (!IsCurrent)
            {
                tree.Files.TryDropJournal(JournalKind.Coalesce, Id);
                return null;
            }

            var result = await DecideAsync(Node.ShowsParent ? Parent.UniqueId : Node.UniqueId);
            _decided = true;
            return result;
        }

        /// <summary>Names each block as a place to stop at, and tells the bytes of the one before.</summary>
        private Func<int, CancellationToken, ValueTask> Steps(Func<long, CancellationToken, ValueTask> copied)
        {
            var bytes = 0L;
            return async (block, cancellationToken) =>
            {
                await copied(bytes, cancellationToken);
                bytes = VhdLimits.DefaultBlockSize;
                tree.Files.Step("copy block " + block + " of " + Key);
            };
        }
    }
}
