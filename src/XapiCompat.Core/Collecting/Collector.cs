using System.Collections.Concurrent;
using XapiCompat.Core.Services;
using XapiCompat.Storage;
using XapiCompat.Store;
using XapiCompat.Values;

namespace XapiCompat.Core.Collecting;

/// <summary>
/// Tidies up behind volumes that came and went, one run at a time in each SR: a while after the last change, or at once where
/// somebody waits for it. A run that fails is repeated later.
/// </summary>
/// <param name="delay">How long an SR has to be quiet; one that never is gets its run after ten times as long.</param>
/// <param name="failed">Told of runs that failed: the SR's uuid and why.</param>
public sealed class Collector(
    RecordStore store, StorageHost storage, VolumeRecords records, TaskService tasks, IdSource ids, TimeProvider clock, TimeSpan delay, Action<string, Exception> failed,
    CancellationToken stopping)
{
    private static readonly TimeSpan AfterFailure = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan AfterReaders = TimeSpan.FromSeconds(5);

    private readonly ConcurrentDictionary<string, Place> _places = new(StringComparer.Ordinal);

    /// <summary>Something has changed in an SR (by uuid). Returns at once.</summary>
    public void Trigger(string sr) => Trigger(sr, delay);

    /// <summary>All SRs that are attached, at the start.</summary>
    public void TriggerAll()
    {
        foreach (var sr in store.Current.All(store.Model.Class("SR")).Where(s => storage.TryAttached(s) is not null).ToList())
            Trigger(sr.Uuid);
    }

    /// <summary>Does all the work there is in an SR now. Nothing is done where it is switched off.</summary>
    /// <returns>The number of pieces of work that were done.</returns>
    public async ValueTask<int> RunNowAsync(Record sr, CancellationToken cancellationToken)
    {
        var attached = storage.Attached(sr);
        var place = PlaceOf(sr.Uuid);
        place.Hurry(1);
        try
        {
            using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, stopping);
            return (await RunAsync(place, sr, attached, either.Token)).Done;
        }
        finally
        {
            place.Hurry(-1);
        }
    }

    /// <summary>The same for an operation that met a chain that is too long; true when something was done.</summary>
    public async ValueTask<bool> CatchUpAsync(Record sr, CancellationToken cancellationToken)
    {
        var done = PlaceOf(sr.Uuid).Done;

        // Work that a run before had under way counts as well.
        return await RunNowAsync(sr, cancellationToken) > 0 || PlaceOf(sr.Uuid).Done > done;
    }

    /// <summary>Makes a disk independent of all others, in place; readers and writers go on.</summary>
    public async ValueTask FlattenAsync(Record vdi, Action<double> progress, CancellationToken cancellationToken)
    {
        VdiService.RequireManaged(vdi);
        vdi.RequireData();
        var sr = store.Current.Get("SR", vdi.Target("SR"));
        var attached = storage.Attached(sr);
        if (!attached.CanCollect)
            throw new XenException("SR_OPERATION_NOT_SUPPORTED", sr.Reference);
        var intent = new Intent(ids.NewUuidText(), sr.Uuid, "flatten", []);
        var (copied, size) = (0L, Math.Max(1, vdi.Int("virtual_size")));
        store.Commit(unit => unit.BeginIntent(intent));
        try
        {
            var policy = new CollectorPolicy { Copied = bytes => progress(Math.Min(1, (double)(copied += bytes) / size)) };
            await attached.FlattenAsync(vdi.Text("location"), policy, result => store.Commit(unit => records.Collect(unit, sr, result)), cancellationToken);
        }
        catch (Exception e) when (StorageErrors.IsForeseen(e) || e is OperationCanceledException)
        {
            await MeasureAsync(sr, attached);
            if (e is OperationCanceledException)
                throw;
            throw StorageErrors.Translate(e, sr.Reference, vdi.Reference, "flatten").AsException();
        }
        finally
        {
            store.Commit(unit => unit.EndIntent(intent.Id));
        }

        Trigger(sr.Uuid);
    }

    /// <summary>Returns when nothing runs any more; the token of the server's end has been cancelled.</summary>
    public async Task EndAsync()
    {
        foreach (var place in _places.Values)
            await place.Waiting;
    }

    private void Trigger(string sr, TimeSpan quiet)
    {
        if (stopping.IsCancellationRequested || storage.TryAttached(sr)?.CanCollect != true)
            return;
        PlaceOf(sr).Trigger(clock, quiet, place => WaitAsync(sr, place));
    }

    private Place PlaceOf(string sr) => _places.GetOrAdd(sr, _ => new Place());

    private async Task WaitAsync(string uuid, Place place)
    {
        try
        {
            do
            {
                while (place.Left(clock) is var left && left > TimeSpan.Zero)
                    await Task.Delay(left, clock, stopping);
                place.Began();
                await RunInBackgroundAsync(uuid, place);
            }
            while (!place.TryEnd());
        }
        catch (OperationCanceledException)
        {
        }
    }

    private async ValueTask RunInBackgroundAsync(string uuid, Place place)
    {
        try
        {
            if (store.Current.FindByUuid(store.Model.Class("SR"), uuid) is not { } sr || storage.TryAttached(uuid) is not { } attached)
                return;
            var run = await RunAsync(place, sr, attached, stopping);
            if (run.Failure is not null and not OperationCanceledException)
                Trigger(uuid, AfterFailure > delay ? AfterFailure : delay);
            else if (attached.HasWaitingWork)
                Trigger(uuid, AfterReaders > delay ? AfterReaders : delay);
        }
        catch (Exception e) when (e is not OperationCanceledException)
        {
            // A collector that cannot work must not take the server along.
            failed(uuid, e);
            Trigger(uuid, AfterFailure > delay ? AfterFailure : delay);
        }
    }

    private async ValueTask<CollectorRun> RunAsync(Place place, Record sr, AttachedSr attached, CancellationToken cancellationToken)
    {
        await place.Running.WaitAsync(cancellationToken);
        try
        {
            var run = new CollectorRun(store, tasks, records, ids, sr, place.LastTask, () => place.IsUrgent);
            await run.RunAsync(attached, cancellationToken);
            if (run.Failure is not null)
                await MeasureAsync(sr, attached);
            place.LastTask = run.LastTask;
            place.Done += run.Done;
            if (run.Failure is CollectorException e)
                failed(sr.Uuid, e);
            return run;
        }
        finally
        {
            place.Running.Release();
        }
    }

    /// <summary>Work that breaks off leaves longer files. Where they cannot be looked at now, the next start does it.</summary>
    private async ValueTask MeasureAsync(Record sr, AttachedSr attached)
    {
        if (storage.TryAttached(sr.Uuid) != attached)
            return;
        try
        {
            await SrContent.CommitAsync(store, records, sr, attached, Write, stopping);
        }
        catch (Exception e) when (StorageErrors.IsForeseen(e) || e is OperationCanceledException or ObjectDisposedException)
        {
        }

        void Write(UnitOfWork unit, SrContent content)
        {
            if (unit.Find(sr.Reference) is not null)
                VolumeRecords.Measure(unit, sr, content.Volumes, content.Stat);
        }
    }

    /// <summary>When an SR has its next run.</summary>
    private sealed class Place
    {
        private readonly Lock _lock = new();
        private (long Since, TimeSpan Wait, TimeSpan Most)? _due;
        private long _first;
        private int _hurrying;
        private bool _isWaiting;

        public SemaphoreSlim Running { get; } = new(1, 1);

        /// <summary>Pieces of work so far; written while <see cref="Running"/> is held.</summary>
        public long Done { get; set; }

        /// <summary>The last run's task; written while <see cref="Running"/> is held.</summary>
        public string? LastTask { get; set; }

        public bool IsUrgent => Volatile.Read(ref _hurrying) > 0;

        public Task Waiting { get; private set; } = Task.CompletedTask;

        public void Hurry(int by) => Interlocked.Add(ref _hurrying, by);

        public void Trigger(TimeProvider clock, TimeSpan quiet, Func<Place, Task> wait)
        {
            lock (_lock)
            {
                var now = clock.GetTimestamp();
                if (_due is null)
                    _first = now;
                _due = (now, quiet, 10 * quiet);
                if (_isWaiting)
                    return;
                _isWaiting = true;
                Waiting = Task.Run(() => wait(this));
            }
        }

        public TimeSpan Left(TimeProvider clock)
        {
            lock (_lock)
            {
                if (_due is not var (since, wait, most))
                    return TimeSpan.Zero;
                var left = wait - clock.GetElapsedTime(since);
                var leftAtMost = most - clock.GetElapsedTime(_first);
                return left < leftAtMost ? left : leftAtMost;
            }
        }

        public void Began()
        {
            lock (_lock)
                _due = null;
        }

        /// <summary>False when it has been triggered again meanwhile.</summary>
        public bool TryEnd()
        {
            lock (_lock)
                return !(_isWaiting = _due is not null);
        }
    }
}
