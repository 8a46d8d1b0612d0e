using XapiCompat.Store;

namespace XapiCompat.Core.Events;

/// <summary>
/// Wakes whoever waits for changes, and nobody else: a commit costs one look at each waiter's classes and at the
/// references of what it changed.
/// </summary>
internal sealed class EventHub
{
    private readonly Lock _lock = new();
    private readonly List<Waiter> _waiters = [];
    private readonly Dictionary<string, List<Waiter>> _byReference = new(StringComparer.Ordinal);
    private readonly Dictionary<string, List<Waiter>> _bySession = new(StringComparer.Ordinal);
    private long _wakes;

    public EventHub(RecordStore store) => store.Committed += Wake;

    /// <summary>How often somebody was woken.</summary>
    public long Wakes => Interlocked.Read(ref _wakes);

    /// <summary>Starts to watch; look at the records only after this, so that no change falls in between.</summary>
    /// <param name="session">Its end wakes too.</param>
    public Waiter Watch(Subscriptions subscriptions, string session)
    {
        var waiter = new Waiter(this, ClassMask.Of(subscriptions.Classes.Where(subscriptions.WantsAll)), [.. subscriptions.Singles.Select(s => s.Reference)], session);
        lock (_lock)
        {
            waiter.Index = _waiters.Count;
            _waiters.Add(waiter);
            foreach (var reference in waiter.References)
                Put(_byReference, reference, waiter);
            Put(_bySession, session, waiter);
        }

        return waiter;
    }

    private void Wake(CommitNotice notice)
    {
        lock (_lock)
        {
            if (_waiters.Count == 0)
                return;
            var changed = default(ClassMask);
            foreach (var record in notice.Written)
                Wake(record, ref changed);
            foreach (var record in notice.Deleted)
            {
                Wake(record, ref changed);
                Signal(_bySession, record.Reference);
            }

            foreach (var waiter in _waiters)
            {
                if (waiter.Classes.Meets(changed))
                    waiter.Signal();
            }
        }
    }

    private void Wake(Record record, ref ClassMask changed)
    {
        changed = changed.With(record.Class);
        Signal(_byReference, record.Reference);
    }

    private static void Signal(Dictionary<string, List<Waiter>> index, string reference)
    {
        if (!index.TryGetValue(reference, out var list))
            return;
        foreach (var waiter in list)
            waiter.Signal();
    }

    private static void Put(Dictionary<string, List<Waiter>> index, string reference, Waiter waiter)
    {
        if (!index.TryGetValue(reference, out var list))
            index[reference] = list = [];
        list.Add(waiter);
    }

    private static void Take(Dictionary<string, List<Waiter>> index, string reference, Waiter waiter)
    {
        var list = index[reference];
        list.Remove(waiter);
        if (list.Count == 0)
            index.Remove(reference);
    }

    private void Remove(Waiter waiter)
    {
        lock (_lock)
        {
            // The last one takes the free place.
            var last = _waiters[^1];
            _waiters[waiter.Index] = last;
            last.Index = waiter.Index;
            _waiters.RemoveAt(_waiters.Count - 1);
            foreach (var reference in waiter.References)
                Take(_byReference, reference, waiter);
            Take(_bySession, waiter.Session, waiter);
        }
    }

    /// <summary>One call that waits. Disposing ends the watch.</summary>
    internal sealed class Waiter(EventHub hub, ClassMask classes, IReadOnlyList<string> references, string session) : IDisposable
    {
        private TaskCompletionSource _changed = NewSource();

        public ClassMask Classes => classes;

        public IReadOnlyList<string> References => references;

        public string Session => session;

        public int Index { get; set; }

        /// <summary>Completes at the first change since the watch began or <see cref="Reset"/>.</summary>
        public Task Changed => _changed.Task;

        /// <summary>Call before looking at the records again.</summary>
        public void Reset()
        {
            lock (hub._lock)
            {
                if (_changed.Task.IsCompleted)
                    _changed = NewSource();
            }
        }

        public void Signal()
        {
            if (_changed.TrySetResult())
                hub._wakes++;
        }

        public void Dispose() => hub.Remove(this);

        private static TaskCompletionSource NewSource() => new(TaskCreationOptions.RunContinuationsAsynchronously);
    }
}
