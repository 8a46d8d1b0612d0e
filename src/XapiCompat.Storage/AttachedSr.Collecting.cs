using System.Diagnostics;

namespace XapiCompat.Storage;

/// <summary>Tidying up under readers and writers.</summary>
public sealed partial class AttachedSr
{
    /// <summary>A leaf that stores more is made smaller first, so that its writers never stand still for long.</summary>
    private const long MostUnderGate = 64L << 20;

    private const long LeastUnderGate = 4L << 20;

    /// <summary>So often a leaf is made smaller before its writers have won.</summary>
    private const int MostSplits = 5;

    private const int MostFlattenings = 5;

    private readonly SemaphoreSlim _collecting = new(1, 1);
    private readonly CancellationTokenSource _ending = new();
    private readonly Dictionary<string, int> _splits = new(StringComparer.Ordinal);
    private double _bytesPerSecond = MostUnderGate;

    /// <summary>False when there is never anything to collect.</summary>
    public bool CanCollect => sr.Collector is not null;

    /// <inheritdoc cref="ISrCollector.HasWaiting"/>
    public bool HasWaitingWork => sr.Collector?.HasWaiting == true;

    /// <summary>
    /// Does the next piece of work, one at a time in an SR. Null when there is none. Ends with an
    /// <see cref="OperationCanceledException"/> when the SR is detached.
    /// </summary>
    /// <param name="changed">Told what has changed as soon as it has, before datapaths are renewed.</param>
    /// <exception cref="CollectorException">The work failed; the SR is as valid as before.</exception>
    public async ValueTask<CollectorStep?> CollectAsync(CollectorPolicy policy, Action<CollectorResult> changed, CancellationToken cancellationToken)
    {
        if (sr.Collector is not { } collector)
            return null;
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, _ending.Token);
        await _collecting.WaitAsync(either.Token);
        try
        {
            await using var work = await collector.PlanAsync(policy, either.Token);
            if (work is null)
                return null;
            policy.Starting(work);
            return await FailingAsync(work, () => RunAsync(collector, work, policy, changed, either.Token));
        }
        finally
        {
            _collecting.Release();
        }
    }

    /// <summary>Gives a volume all its data, so that it depends on no other; readers and writers go on.</summary>
    /// <returns>What changed; null when it depended on nobody.</returns>
    public async ValueTask<CollectorResult?> FlattenAsync(string key, CollectorPolicy policy, Action<CollectorResult> changed, CancellationToken cancellationToken)
    {
        if (sr.Collector is not { } collector)
            throw StorageException.Unimplemented("flatten");
        await sr.StatVolumeAsync(key, cancellationToken);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, _ending.Token);
        await _collecting.WaitAsync(either.Token);
        try
        {
            // A snapshot meanwhile takes the data to a base, and the leaf starts anew.
            for (var attempt = 0; attempt < MostFlattenings; attempt++)
            {
                await using var work = await collector.PlanFlattenAsync(key, either.Token);
                if (work is null)
                    return null;
                policy.Starting(work);
                await work.CopyAsync(Pace(policy), either.Token);
                if (await FinishUnderGateAsync(work, changed, either.Token) is { } result)
                    return result;
            }

            throw new StorageException(StorageFault.LeafCoalesceGaveUp, "Gave up on flattening the VDI, which is snapshotted all the time");
        }
        finally
        {
            _collecting.Release();
        }
    }

    private static async ValueTask<CollectorStep> FailingAsync(ICollectorWork work, Func<ValueTask<CollectorStep>> run)
    {
        try
        {
            return await run();
        }
        catch (Exception e) when (e is StorageException or IOException or UnauthorizedAccessException or NotSupportedException)
        {
            throw new CollectorException(work.Kind, work.Key, e);
        }
    }

    private async ValueTask<CollectorStep> RunAsync(
        ISrCollector collector, ICollectorWork work, CollectorPolicy policy, Action<CollectorResult> changed, CancellationToken cancellationToken)
    {
        var key = work.Key;
        var result = work.Kind == CollectorWorkKind.MergeLeaf
            ? await MergeLeafAsync(collector, work, policy, changed, cancellationToken)
            : await MergeAsync(collector, work, policy, changed, cancellationToken);
        return new(work.Kind, key, result, work.Outstanding - work.Bytes);
    }

    private async ValueTask<CollectorResult?> MergeAsync(
        ISrCollector collector, ICollectorWork work, CollectorPolicy policy, Action<CollectorResult> changed, CancellationToken cancellationToken)
    {
        await work.CopyAsync(Pace(policy), cancellationToken);
        var result = await ChangeAsync(work.FinishAsync, cancellationToken);
        if (result is null)
            return null;
        changed(result);
        foreach (var key in result.Outdated)
            await RenewAsync(collector, key, cancellationToken);
        return result;
    }

    private async ValueTask<CollectorResult?> MergeLeafAsync(
        ISrCollector collector, ICollectorWork work, CollectorPolicy policy, Action<CollectorResult> changed, CancellationToken cancellationToken)
    {
        var limit = Math.Clamp((long)_bytesPerSecond, LeastUnderGate, MostUnderGate);
        if (work.Bytes > limit && !policy.IsForced(work.Key))
            return await SplitAsync(collector, work.Key, changed, cancellationToken);
        await using var hold = await HoldAsync([work.Key], cancellationToken);
        var result = await FinishAsync(
            hold,
            work,
            async () => await work.CopyAsync(
                (bytes, _) =>
                {
                    policy.Copied(bytes);
                    return ValueTask.CompletedTask;
                },
                cancellationToken),
            cancellationToken);
        _splits.Remove(work.Key);
        if (result is not null)
            changed(result);
        return result;
    }

    /// <summary>What the leaf stores goes to a base, which is merged beside its writers; the leaf comes again when it is small.</summary>
    private async ValueTask<CollectorResult> SplitAsync(ISrCollector collector, string key, Action<CollectorResult> changed, CancellationToken cancellationToken)
    {
        var count = _splits[key] = _splits.GetValueOrDefault(key) + 1;
        if (count > MostSplits)
        {
            _splits.Remove(key);
            throw new StorageException(StorageFault.LeafCoalesceGaveUp, "Gave up on leaf coalesce after leaf grew bigger than before snapshot taken");
        }

        await using var hold = await HoldAsync([key], cancellationToken);
        var changes = await SwitchAsync(hold, key, () => collector.SplitAsync(key, cancellationToken), cancellationToken);
        var result = new CollectorResult(changes, new Dictionary<string, string?>(), []);
        changed(result);
        return result;
    }

    private async ValueTask<CollectorResult?> FinishUnderGateAsync(ICollectorWork work, Action<CollectorResult> changed, CancellationToken cancellationToken)
    {
        await using var hold = await HoldAsync([work.Key], cancellationToken);
        var result = await FinishAsync(hold, work, () => Task.CompletedTask, cancellationToken);
        if (result is not null)
            changed(result);
        return result;
    }

    private async ValueTask<CollectorResult?> FinishAsync(DiskHold hold, ICollectorWork work, Func<Task> before, CancellationToken cancellationToken)
    {
        if (!hold.Covers(this, work.Key))
            throw new ArgumentException("The hold does not cover the disk.", nameof(hold));
        var disk = _disks.Find(work.Key);
        await disk.Switching.WaitAsync(cancellationToken);
        try
        {
            await FlushAsync(disk, cancellationToken);
            await before();
            try
            {
                return await ChangeAsync(work.FinishAsync, cancellationToken);
            }
            finally
            {
                await ReopenAsync(disk);
            }
        }
        finally
        {
            disk.Switching.Release();
        }
    }

    private async ValueTask RenewAsync(ISrCollector collector, string key, CancellationToken cancellationToken)
    {
        await using var hold = await HoldAsync([key], cancellationToken);
        var disk = _disks.Find(key);
        await disk.Switching.WaitAsync(cancellationToken);
        try
        {
            if (disk.Writer is { } writer && await collector.RenewAsync(key, CancellationToken.None) is { } device)
                await writer.ReplaceAsync(device);
        }
        catch (StorageException e) when (e.Fault == StorageFault.VolumeDoesNotExist)
        {
        }
        finally
        {
            disk.Switching.Release();
        }
    }

    private Func<long, CancellationToken, ValueTask> Pace(CollectorPolicy policy)
    {
        var start = Stopwatch.GetTimestamp();
        return async (bytes, cancellationToken) =>
        {
            if (bytes > 0)
                _bytesPerSecond = (0.8 * _bytesPerSecond) + (0.2 * bytes / Math.Max(Stopwatch.GetElapsedTime(start).TotalSeconds, 1e-6));
            policy.Copied(bytes);
            await policy.PauseAsync(cancellationToken);
            start = Stopwatch.GetTimestamp();
        };
    }

    private async ValueTask EndCollectingAsync()
    {
        await _ending.CancelAsync();
        await _collecting.WaitAsync();
        _collecting.Release();
    }
}
