using XapiCompat.Disks;

namespace XapiCompat.Storage;

/// <summary>
/// What an SR can do about nodes that only carry other volumes' data and are not needed any more. The host runs one piece of work
/// at a time, and knows by the kind what has to stand still meanwhile.
/// </summary>
public interface ISrCollector
{
    /// <summary>Looks for the next piece of work; null when there is none. The result is disposed of, finished or not.</summary>
    ValueTask<ICollectorWork?> PlanAsync(CollectorPolicy policy, CancellationToken cancellationToken);

    /// <summary>True when the last plan left something out that can be done later, above all because somebody reads it.</summary>
    bool HasWaiting { get; }

    /// <summary>Work that makes a volume independent of all others (<see cref="CollectorWorkKind.Flatten"/>); null when it is.</summary>
    ValueTask<ICollectorWork?> PlanFlattenAsync(string key, CancellationToken cancellationToken);

    /// <summary>
    /// Puts what a leaf stores into a node below it that carries nothing else, so that the leaf itself is small. Changes the SR, and the
    /// volume's datapaths must be reopened afterwards, as with a snapshot.
    /// </summary>
    ValueTask<VolumeChanges> SplitAsync(string key, CancellationToken cancellationToken);

    /// <summary>
    /// A fresh writable datapath in place of one that still uses nodes that are gone; null when there is no such. Nobody writes
    /// meanwhile, and nobody writes through the old one afterwards.
    /// </summary>
    ValueTask<IBlockDevice?> RenewAsync(string key, CancellationToken cancellationToken);
}

/// <summary>What a collector may do.</summary>
public sealed record CollectorPolicy
{
    /// <summary>False: nodes are not merged at all, only removed.</summary>
    public bool Merge { get; init; } = true;

    /// <summary>False: leaves are not merged into their parents.</summary>
    public bool MergeLeaves { get; init; } = true;

    /// <summary>Asked for each leaf (by key) that could be merged. Must answer at once.</summary>
    public Func<string, bool> MayMergeLeaf { get; init; } = _ => true;

    /// <summary>Asked for a leaf (by key) that stores much: true stops its writers for as long as it takes.</summary>
    public Func<string, bool> IsForced { get; init; } = _ => false;

    /// <summary>Keys with which nothing is tried now, because it has just failed.</summary>
    public IReadOnlySet<string> Skip { get; init; } = new HashSet<string>(StringComparer.Ordinal);

    /// <summary>Told what is about to be done.</summary>
    public Action<ICollectorWork> Starting { get; init; } = _ => { };

    /// <summary>Told the bytes that a piece of work has come on by.</summary>
    public Action<long> Copied { get; init; } = _ => { };

    /// <summary>Awaited while work copies that nobody waits for; the place to make room for others.</summary>
    public Func<CancellationToken, ValueTask> PauseAsync { get; init; } = _ => ValueTask.CompletedTask;
}

public enum CollectorWorkKind
{
    /// <summary>Nodes without any volume go.</summary>
    Remove,

    /// <summary>A node goes into its parent, which carries nothing else. Copies beside readers and writers.</summary>
    Merge,

    /// <summary>A leaf and its parent, which carries nothing else, become one. Writers of the leaf stand still all the time.</summary>
    MergeLeaf,

    /// <summary>A leaf gets all its data. Copies beside readers and writers, which stand still for the end.</summary>
    Flatten,
}

/// <summary>A piece of work: a long part beside everything else, and a short end that changes the SR.</summary>
public interface ICollectorWork : IAsyncDisposable
{
    CollectorWorkKind Kind { get; }

    /// <summary>The node or leaf that it is about.</summary>
    string Key { get; }

    /// <summary>Bytes to copy, at most.</summary>
    long Bytes { get; }

    /// <summary>Bytes to copy in this and all other work that could be done now, at most.</summary>
    long Outstanding { get; }

    /// <summary>Copies. Interrupted at any moment, it has changed nothing that a volume shows, and may be planned again.</summary>
    /// <param name="copied">Awaited after each piece, with its bytes.</param>
    ValueTask CopyAsync(Func<long, CancellationToken, ValueTask> copied, CancellationToken cancellationToken);

    /// <summary>
    /// Ends the work; the host serialises it with other changes. Null when the tree has changed so that there is nothing to end.
    /// </summary>
    ValueTask<CollectorResult?> FinishAsync();
}

/// <summary>What a piece of work has changed.</summary>
/// <param name="Heirs">Keys of nodes that are gone, and who is the parent in their place; null for none.</param>
/// <param name="Outdated">Keys of volumes with a writable datapath that still uses what is gone; see <see cref="ISrCollector.RenewAsync"/>.</param>
public sealed record CollectorResult(VolumeChanges Changes, IReadOnlyDictionary<string, string?> Heirs, IReadOnlyList<string> Outdated);
