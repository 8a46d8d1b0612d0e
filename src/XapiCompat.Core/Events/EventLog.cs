using System.Globalization;
using XapiCompat.Core.Services;
using XapiCompat.Datamodel;
using XapiCompat.Store;
using XapiCompat.Values;

namespace XapiCompat.Core.Events;

/// <summary>
/// event.register and event.next, the older interface: every change is an event, kept for sessions that registered until
/// there is too much of it. A session that falls behind is told that events are lost and goes on from there.
/// </summary>
public sealed class EventLog
{
    /// <summary>Bytes of events, as JSON would be, that are kept for all sessions together.</summary>
    private const long Most = 10_000_000;

    private readonly RecordStore _store;
    private readonly TimeProvider _clock;
    private readonly TimeSpan _delay;
    private readonly Lock _lock = new();
    private readonly Dictionary<string, Registration> _sessions = new(StringComparer.Ordinal);
    private readonly Queue<Entry> _entries = new();
    private TaskCompletionSource _changed = NewSource();
    private long _size;
    private long _nextId;
    private long _forgotten = -1;

    /// <param name="delay">How long to collect more changes after the first one.</param>
    public EventLog(RecordStore store, TimeProvider clock, TimeSpan delay)
    {
        _store = store;
        _clock = clock;
        _delay = delay;
        store.Committed += Add;
    }

    /// <summary>The number that the next event gets.</summary>
    public long CurrentId
    {
        get
        {
            lock (_lock)
                return _nextId;
        }
    }

    public void Register(string session, IEnumerable<string> classes)
    {
        lock (_lock)
        {
            if (!_sessions.TryGetValue(session, out var registration))
                _sessions[session] = registration = new(_nextId);
            registration.Texts.UnionWith(classes.Select(Normal));
            registration.Wanted = new(_store.Model, registration.Texts);
        }
    }

    /// <summary>Takes equal subscriptions back; the session stays registered.</summary>
    public void Unregister(string session, IEnumerable<string> classes)
    {
        lock (_lock)
        {
            if (!_sessions.TryGetValue(session, out var registration))
                return;
            registration.Texts.ExceptWith(classes.Select(Normal));
            registration.Wanted = new(_store.Model, registration.Texts);
        }
    }

    /// <summary>
    /// The events since the session's last call; waits for the first. Throws SESSION_NOT_REGISTERED, SESSION_INVALID when
    /// the session ends meanwhile, EVENTS_LOST.
    /// </summary>
    public async ValueTask<XenArray> NextAsync(string session, CancellationToken cancellationToken)
    {
        var first = true;
        while (true)
        {
            Task changed;
            lock (_lock)
            {
                if (_store.Current.Find(session) is null)
                    throw Errors.SessionInvalid(session);
                if (!_sessions.TryGetValue(session, out var registration))
                    throw first ? new XenException("SESSION_NOT_REGISTERED", session) : Errors.SessionInvalid(session);
                if (Take(registration) is { Count: > 0 } events)
                    return new XenArray(events);
                changed = _changed.Task;
            }

            first = false;
            try
            {
                await changed.WaitAsync(cancellationToken);
                if (_delay > TimeSpan.Zero)
                    await Task.Delay(_delay, _clock, cancellationToken);
            }
            catch (OperationCanceledException)
            {
                // The client or the server ends.
                return XenArray.Empty;
            }
        }
    }

    private List<XenValue> Take(Registration registration)
    {
        var from = registration.Next;
        registration.Next = _nextId;
        if (_forgotten >= from)
            throw new XenException("EVENTS_LOST");
        return [.. _entries
            .Where(e => e.Id >= from && registration.Wanted!.Wants(e.Class, e.Reference))
            .Select(e => EventService.Event(e.Class, e.Operation, e.Reference, e.Id, e.Timestamp, e.Record))];
    }

    private void Add(CommitNotice notice)
    {
        lock (_lock)
        {
            if (_sessions.Count == 0)
                return;
            var before = _nextId;
            var ended = false;
            var timestamp = _clock.GetUtcNow().ToUnixTimeSeconds().ToString(CultureInfo.InvariantCulture) + ".0";
            foreach (var record in notice.Written)
                Add(record, record.Created == notice.Generation ? "add" : "mod", record, timestamp);
            foreach (var record in notice.Deleted)
            {
                Add(record, "del", null, timestamp);
                ended |= _sessions.Remove(record.Reference);
            }

            Trim();
            if (_nextId == before && !ended)
                return;
            _changed.SetResult();
            _changed = NewSource();
        }
    }

    private void Add(Record record, string operation, Record? snapshot, string timestamp)
    {
        if (!record.Class.GeneratesEvents || !_sessions.Values.Any(s => s.Wanted!.Wants(record.Class, record.Reference)))
            return;
        var size = 200 + (snapshot is null ? 0 : JsonSize.Of(snapshot.Struct));
        _entries.Enqueue(new(_nextId++, record.Class, operation, record.Reference, snapshot, timestamp, size));
        _size += size;
    }

    /// <summary>Drops what everybody has seen, then the oldest.</summary>
    private void Trim()
    {
        var seen = _sessions.Count == 0 ? _nextId : _sessions.Values.Min(s => s.Next);
        while (_entries.TryPeek(out var oldest) && (oldest.Id < seen || _size > Most))
        {
            _entries.Dequeue();
            _size -= oldest.Size;
            if (oldest.Id >= seen)
                _forgotten = oldest.Id;
        }
    }

    private static string Normal(string text)
    {
        var slash = text.IndexOf('/', StringComparison.Ordinal);
        return slash < 0 ? text.ToLowerInvariant() : text[..slash].ToLowerInvariant() + text[slash..];
    }

    private static TaskCompletionSource NewSource() => new(TaskCreationOptions.RunContinuationsAsynchronously);

    private sealed class Registration(long next)
    {
        public HashSet<string> Texts { get; } = new(StringComparer.Ordinal);

        public Subscriptions? Wanted { get; set; }

        public long Next { get; set; } = next;
    }

    private sealed record Entry(long Id, ClassDef Class, string Operation, string Reference, Record? Record, string Timestamp, long Size);
}
