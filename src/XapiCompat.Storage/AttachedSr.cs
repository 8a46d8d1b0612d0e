using XapiCompat.Disks;

namespace XapiCompat.Storage;

/// <summary>
/// An attached SR as the host uses it: the plugin's <see cref="ISr"/>, one call at a time where it changes the SR,
/// and a gate per disk. Every datapath is opened here, so that a snapshot finds all writers of its disk.
/// </summary>
/// <remarks>Locks are taken in this order: gates (by SR uuid and key), a disk's switching lock, the SR's change lock.</remarks>
public sealed partial class AttachedSr(Guid uuid, ISr sr) : IAsyncDisposable
{
    private static readonly Dictionary<string, string> NoKeys = [];

    private readonly DiskTable _disks = new();
    private readonly SemaphoreSlim _changes = new(1, 1);
    private IReadOnlyList<string> _reported = [];

    /// <summary>The SR's uuid.</summary>
    public Guid Uuid { get; } = uuid;

    /// <summary>True while a datapath to any volume is open; detaching then would cut it.</summary>
    public bool HasOpenDatapaths => _disks.HasDatapaths();

    /// <summary>True while a datapath to the volume is open.</summary>
    public bool IsOpen(string key) => _disks.HasDatapaths(key);

    /// <inheritdoc cref="ISr.Problems"/>
    public IReadOnlyList<string> Problems => sr.Problems;

    /// <inheritdoc cref="ISr.StatAsync"/>
    public ValueTask<SrStat> StatAsync(CancellationToken cancellationToken) => sr.StatAsync(cancellationToken);

    /// <summary>Told of each of <see cref="Problems"/> that the last look did not find already.</summary>
    public Action<string>? OnProblem { get; init; }

    /// <inheritdoc cref="ISr.ListAsync"/>
    public async ValueTask<IReadOnlyList<VolumeInfo>> ListAsync(CancellationToken cancellationToken)
    {
        var volumes = await sr.ListAsync(cancellationToken);
        ReportProblems();
        return volumes;
    }

    /// <summary>After attaching, and after each look.</summary>
    public void ReportProblems()
    {
        var now = sr.Problems;
        var before = Interlocked.Exchange(ref _reported, now);
        foreach (var problem in now.Except(before))
            OnProblem?.Invoke(problem);
    }

    /// <inheritdoc cref="ISr.StatVolumeAsync"/>
    public ValueTask<VolumeInfo> StatVolumeAsync(string key, CancellationToken cancellationToken) =>
        sr.StatVolumeAsync(key, cancellationToken);

    /// <inheritdoc cref="ISr.CompareAsync"/>
    public ValueTask<IReadOnlyList<Extent>?> CompareAsync(string baseKey, string key, CancellationToken cancellationToken) =>
        sr.CompareAsync(baseKey, key, cancellationToken);

    /// <inheritdoc cref="ISr.CreateVolumeAsync"/>
    public ValueTask<VolumeChanges> CreateVolumeAsync(VolumeSpec spec, CancellationToken cancellationToken) =>
        ChangeAsync(() => sr.CreateVolumeAsync(spec, cancellationToken), cancellationToken);

    /// <inheritdoc cref="ISr.SetNameAsync"/>
    public ValueTask SetNameAsync(string key, string name, string description, CancellationToken cancellationToken) =>
        ChangeAsync(() => sr.SetNameAsync(key, name, description, cancellationToken), cancellationToken);

    /// <inheritdoc cref="ISr.SetAsync"/>
    public ValueTask SetAsync(string key, IReadOnlyDictionary<string, string?> keys, CancellationToken cancellationToken) =>
        ChangeAsync(() => sr.SetAsync(key, keys, cancellationToken), cancellationToken);

    /// <summary>As <see cref="ISr.DestroyVolumeAsync"/>; <see cref="StorageFault.VolumeInUse"/> while a datapath is open.</summary>
    public ValueTask<VolumeChanges> DestroyVolumeAsync(string key, CancellationToken cancellationToken) =>
        ClaimAsync(key, () => sr.DestroyVolumeAsync(key, cancellationToken), cancellationToken);

    /// <summary>As <see cref="ISr.ResizeAsync"/>; <see cref="StorageFault.VolumeInUse"/> while a datapath is open.</summary>
    public ValueTask<VolumeChanges> ResizeAsync(string key, long virtualSize, CancellationToken cancellationToken) =>
        ClaimAsync(key, () => sr.ResizeAsync(key, virtualSize, cancellationToken), cancellationToken);

    /// <summary>As <see cref="ISr.RevertAsync"/>; <see cref="StorageFault.VolumeInUse"/> while a datapath to the volume is open.</summary>
    public ValueTask<VolumeChanges> RevertAsync(string snapshotKey, string key, CancellationToken cancellationToken) =>
        ClaimAsync(key, () => sr.RevertAsync(snapshotKey, key, cancellationToken), cancellationToken);

    private async ValueTask<VolumeChanges> ClaimAsync(
        string key, Func<ValueTask<VolumeChanges>> change, CancellationToken cancellationToken)
    {
        var disk = _disks.Claim(key);
        try
        {
            return await ChangeAsync(change, cancellationToken);
        }
        finally
        {
            _disks.EndClaim(disk);
        }
    }

    private async ValueTask<T> ChangeAsync<T>(Func<ValueTask<T>> change, CancellationToken cancellationToken)
    {
        await _changes.WaitAsync(cancellationToken);
        try
        {
            return await change();
        }
        finally
        {
            _changes.Release();
        }
    }

    private async ValueTask ChangeAsync(Func<ValueTask> change, CancellationToken cancellationToken)
    {
        await _changes.WaitAsync(cancellationToken);
        try
        {
            await change();
        }
        finally
        {
            _changes.Release();
        }
    }
}
