namespace XapiCompat.Storage;

/// <summary>
/// Several disks, of one or of many SRs, with their writers stopped at one instant. Whatever is snapshotted under the
/// same hold shows one moment. Disposing lets the writers go on.
/// </summary>
public sealed class DiskHold : IAsyncDisposable
{
    private readonly List<HeldDisk> _held = [];

    private DiskHold()
    {
    }

    /// <summary>
    /// Stops the writers of all <paramref name="disks"/>. Gates are taken in the order of SR and key, so that two holds
    /// with disks in common cannot wait for each other. Take no hold while having one.
    /// </summary>
    public static async ValueTask<DiskHold> AcquireAsync(IEnumerable<HeldDisk> disks, CancellationToken cancellationToken)
    {
        var wanted = disks.Distinct().OrderBy(d => d.Sr.Uuid).ThenBy(d => d.Key, StringComparer.Ordinal).ToArray();

        // Most of what the snapshot has to flush gets flushed while the writers still run.
        foreach (var disk in wanted)
            await disk.Sr.FlushAsync(disk.Key, cancellationToken);

        var hold = new DiskHold();
        try
        {
            foreach (var disk in wanted)
            {
                await disk.Sr.HoldGateAsync(disk.Key, cancellationToken);
                hold._held.Add(disk);
            }

            return hold;
        }
        catch
        {
            await hold.DisposeAsync();
            throw;
        }
    }

    public bool Covers(AttachedSr sr, string key) => _held.Contains(new HeldDisk(sr, key));

    public ValueTask DisposeAsync()
    {
        foreach (var disk in _held)
            disk.Sr.OpenGate(disk.Key);
        _held.Clear();
        return ValueTask.CompletedTask;
    }
}

/// <summary>A disk to hold.</summary>
public readonly record struct HeldDisk(AttachedSr Sr, string Key);
