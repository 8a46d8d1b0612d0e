using System.Diagnostics;
using XapiCompat.Core.Services;
using XapiCompat.Storage;
using XapiCompat.Store;

namespace XapiCompat.Core.Collecting;

/// <summary>
/// One run of the collector over an SR, until there is no work left. Its task and its intent come with the first piece of work:
/// a run that finds none leaves no trace.
/// </summary>
/// <param name="last">The task of the run before; it makes room for this one's, lest a busy repository push out the tasks of clients.</param>
internal sealed class CollectorRun(RecordStore store, TaskService tasks, VolumeRecords records, IdSource ids, Record sr, string? last, Func<bool> isUrgent)
{
    private static readonly TimeSpan Turn = TimeSpan.FromMilliseconds(20);

    private readonly HashSet<string> _failed = new(StringComparer.Ordinal);
    private readonly Intent _intent = new(ids.NewUuidText(), sr.Uuid, "collect", []);
    private string? _task;
    private CancellationTokenRegistration _cancelled;
    private CancellationTokenSource? _work;
    private long _copied;
    private long _outstanding;
    private long _turn = Stopwatch.GetTimestamp();

    /// <summary>Pieces of work that were done.</summary>
    public int Done { get; private set; }

    /// <summary>The first thing that went wrong with a piece of work; the others were done all the same.</summary>
    public Exception? Failure { get; private set; }

    /// <summary>The task of this run, or else that of the last one.</summary>
    public string? LastTask => _task ?? last;

    /// <summary>Does what there is. Ends early, and without an error, when the task is cancelled or the SR goes away.</summary>
    public async ValueTask RunAsync(AttachedSr attached, CancellationToken stopping)
    {
        using var work = _work = CancellationTokenSource.CreateLinkedTokenSource(stopping);
        try
        {
            while (store.Current.Find(sr.Reference) is { } current && CollectorSettings.IsOn(current) && await StepAsync(attached, current, work.Token))
            {
            }
        }
        catch (OperationCanceledException) when (!stopping.IsCancellationRequested || _task is not null)
        {
            Failure ??= new OperationCanceledException();
        }
        finally
        {
            End();
        }
    }

    private async ValueTask<bool> StepAsync(AttachedSr attached, Record current, CancellationToken cancellationToken)
    {
        var policy = CollectorSettings.Policy(() => store.Current, current) with { Skip = _failed, Starting = Begin, Copied = Progress, PauseAsync = PauseAsync };
        try
        {
            if (await attached.CollectAsync(policy, Write, cancellationToken) is not { } step)
                return false;
            if (step.Result is not null)
                Done++;
            return true;
        }
        catch (CollectorException e)
        {
            Failure ??= e;

            // Without a name there is nothing to leave out the next time.
            return e.Key.Length > 0 && _failed.Add(e.Key);
        }
    }

    private void Begin(ICollectorWork work)
    {
        _outstanding = work.Outstanding;
        if (_task is not null)
            return;
        store.Commit(unit => unit.BeginIntent(_intent));
        if (last is not null)
            tasks.Discard(last);
        _task = tasks.Create(null, "Garbage Collection", "Garbage collection for SR " + sr.Uuid);
        _cancelled = tasks.Track(_task).Register(() => _work?.Cancel());
    }

    private void Write(CollectorResult result) => store.Commit(unit => records.Collect(unit, sr, result));

    private void Progress(long bytes)
    {
        _copied += bytes;
        _outstanding = Math.Max(0, _outstanding - bytes);
        tasks.Progress(_task!, Math.Min(0.99, (double)_copied / Math.Max(1, _copied + _outstanding)));
    }

    /// <summary>Half of the time belongs to others, unless somebody waits for the end.</summary>
    private async ValueTask PauseAsync(CancellationToken cancellationToken)
    {
        var worked = Stopwatch.GetElapsedTime(_turn);
        if (worked < Turn || isUrgent())
            return;
        await Task.Delay(worked < 5 * Turn ? worked : 5 * Turn, cancellationToken);
        _turn = Stopwatch.GetTimestamp();
    }

    private void End()
    {
        if (_task is null)
            return;
        _cancelled.Dispose();
        store.Commit(unit => unit.EndIntent(_intent.Id));
        if (Failure is OperationCanceledException)
            tasks.Cancelled(_task);
        else if (Failure is CollectorException { InnerException: { } reason })
            tasks.Fail(_task, StorageErrors.Translate(reason, sr.Reference, "", "collect"));
        else
            tasks.Succeed(_task, null);
    }
}
