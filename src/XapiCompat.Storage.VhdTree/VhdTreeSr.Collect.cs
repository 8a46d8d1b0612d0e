using XapiCompat.Disks;
using XapiCompat.Disks.Vhd;

namespace XapiCompat.Storage.VhdTree;

/// <summary>Looks for what can be tidied up. The pieces of work are in files of their own.</summary>
internal sealed partial class VhdTreeSr : ISrCollector
{
    private TreePlan? _plan;

    public ISrCollector Collector => this;

    public bool HasWaiting => _plan?.HasWaiting == true || _index.Abandoned.Count > 0;

    private TreeDirectory Files => directory;

    public ValueTask<ICollectorWork?> PlanAsync(CollectorPolicy policy, CancellationToken cancellationToken) => LockedAsync(
        () => ValueTask.FromResult(Plan(policy)), StorageFault.General, "nothing was collected", cancellationToken);

    public ValueTask<ICollectorWork?> PlanFlattenAsync(string key, CancellationToken cancellationToken) => LockedAsync(
        () =>
        {
            // A plain file never depends on another.
            if (_raws.TryFind(key, out _))
                return ValueTask.FromResult<ICollectorWork?>(null);
            var leaf = Leaf(key, StorageFault.VolumeUnavailable, "The VDI is not available");
            return ValueTask.FromResult<ICollectorWork?>(leaf.Parent is null ? null : new FlattenWork(this, leaf));
        },
        StorageFault.General,
        "the VDI was not flattened",
        cancellationToken);

    public ValueTask<VolumeChanges> SplitAsync(string key, CancellationToken cancellationToken) => LockedAsync(
        async () =>
        {
            var source = Leaf(key, StorageFault.VolumeSnapshot, "the VDI was not split");
            var step = new TreeSwitch(directory, source, null, Guid.NewGuid());
            var leaf = await SwitchAsync(step, source, VolumeMeta.None);
            directory.Done();
            return new VolumeChanges(null, [Info(leaf), Info(source)], []);
        },
        StorageFault.VolumeSnapshot,
        "the VDI was not split",
        cancellationToken);

    public ValueTask<IBlockDevice?> RenewAsync(string key, CancellationToken cancellationToken) => LockedAsync(
        () => ValueTask.FromResult<IBlockDevice?>(_chains.Renew(_index.Find(key)) is { } chain ? new TreeDevice(chain, DatapathMode.ReadWrite, _chains, _logs) : null),
        StorageFault.VolumeLoad,
        "the VDI cannot be read",
        cancellationToken);

    private ICollectorWork? Plan(CollectorPolicy policy)
    {
        RemoveAbandoned();

        // A look that failed half-way has told nothing.
        if (!_index.IsJudged)
            Look();
        if (_index.IsAllHeld)
            return null;
        if (_index.Nodes.Any(IsOrphan))
            return new RemoveWork(this);
        if (!policy.Merge)
            return null;
        _plan ??= new TreePlan(_index, _chains, directory, IsBlocked);
        if (_plan.Next(policy) is not { } next)
            return null;
        return next.Node.Hidden ? new MergeWork(this, next, _plan.Outstanding + next.Bytes) : new LeafWork(this, next, _plan.Outstanding + next.Bytes);
    }

    private bool IsOrphan(TreeNode node) => node is { Hidden: true, Children: 0 } && !IsBlocked(node);

    private bool IsBlocked(TreeNode node) => _index.IsHeld(node) || IsHalfDone(node) || _index.CarriesAbandoned(node);

    /// <summary>Gives a node another parent, through the writer's own file where one is open.</summary>
    private async ValueTask RelinkAsync(TreeNode node, Guid parent, Guid uniqueId)
    {
        directory.Step("relink " + node.Id);
        var name = parent.ToString("D") + TreeDirectory.VhdSuffix;
        if (_chains.TryBorrowWriter(node) is { } writer)
        {
            try
            {
                await writer.Chain.Leaf.SetParentAsync(uniqueId, name, directory.Durable);
            }
            finally
            {
                await _chains.ReturnAsync(writer);
            }

            return;
        }

        await using var file = directory.Open(node.Id, VhdAccess.ReadWrite);
        await file.SetParentAsync(uniqueId, name, directory.Durable);
    }

    /// <summary>Runs steps behind the one that decides: what they leave undone is cleared up by the next attach.</summary>
    private static void Afterwards(Action steps)
    {
        try
        {
            steps();
        }
        catch (Exception e) when (Faults.IsForeseen(e))
        {
        }
    }

    /// <summary>Bases without children, and those that lose their last child with them.</summary>
    private sealed class RemoveWork(VhdTreeSr tree) : ICollectorWork
    {
        public CollectorWorkKind Kind => CollectorWorkKind.Remove;

        public string Key => "";

        public long Bytes => 0;

        public long Outstanding => 0;

        public ValueTask CopyAsync(Func<long, CancellationToken, ValueTask> copied, CancellationToken cancellationToken) => ValueTask.CompletedTask;

        public ValueTask<CollectorResult?> FinishAsync() => tree.LockedAsync<CollectorResult?>(
            () =>
            {
                var removed = new List<string>();
                foreach (var orphan in tree._index.Nodes.Where(tree.IsOrphan).ToArray())
                    tree.RemoveBases(orphan, removed);
                Afterwards(() =>
                {
                    tree.Files.Flush();
                    tree.Files.Done();
                });
                var result = new CollectorResult(new(null, [], removed), removed.ToDictionary(key => key, _ => (string?)null), []);
                return ValueTask.FromResult<CollectorResult?>(result);
            },
            StorageFault.General,
            "nothing was removed",
            CancellationToken.None);

        public ValueTask DisposeAsync() => ValueTask.CompletedTask;
    }
}
