using System.Globalization;
using XapiCompat.Core.Services;
using XapiCompat.Datamodel;
using XapiCompat.Store;
using XapiCompat.Values;

namespace XapiCompat.Core.Events;

/// <summary>
/// event.from: what differs between a token and now, by comparing generations. Nobody raises events; commits do.
/// </summary>
/// <param name="delay">How long to collect more changes after the first one; tasks are never kept waiting.</param>
public sealed class EventService(RecordStore store, SessionService sessions, TimeProvider clock, TimeSpan delay)
{
    private static readonly TimeSpan Longest = TimeSpan.FromHours(24);

    private readonly ClassDef _messages = store.Model.Class("message");
    private readonly EventHub _hub = new(store);
    private readonly RecentChanges _recent = new(store);
    private readonly List<ClassDef> _counted = [.. store.Model.Classes.Where(c => c.Stored)];
    private readonly List<string> _countedNames = [.. store.Model.Classes.Where(c => c.Stored).Select(c => c.WireClass)];

    /// <summary>How often waiting calls were woken since the start.</summary>
    public long Wakes => _hub.Wakes;

    /// <param name="timeout">Seconds; negative or not finite means a day.</param>
    public async ValueTask<XenStruct> FromAsync(string session, IEnumerable<string> classes, string token, double timeout, CancellationToken cancellationToken)
    {
        var since = EventToken.Parse(token);
        var subscriptions = new Subscriptions(store.Model, classes);
        var limit = double.IsFinite(timeout) && timeout >= 0 && timeout < Longest.TotalSeconds * 104 ? TimeSpan.FromSeconds(timeout) : Longest;
        var start = clock.GetTimestamp();

        // A token of another database: its client has to begin again.
        if (since.Objects > store.Current.Generation || since.Messages > store.Current.Generation)
            throw new XenException("EVENTS_LOST");

        // Most calls of a client that is behind are answered without waiting.
        if (Answer(session, subscriptions, since) is { } ready)
            return ready;
        using var waiter = _hub.Watch(subscriptions, session);
        while (true)
        {
            waiter.Reset();
            var database = store.Current;
            if (Answer(session, subscriptions, since) is { } answer)
                return answer;
            var left = limit - clock.GetElapsedTime(start);
            if (left <= TimeSpan.Zero || cancellationToken.IsCancellationRequested)
            {
                sessions.Find(session);
                return Answer(database, []);
            }

            try
            {
                await waiter.Changed.WaitAsync(left, clock, cancellationToken);
                if (delay > TimeSpan.Zero && !subscriptions.IsTaskOnly)
                    await Task.Delay(delay, clock, cancellationToken);
            }
            catch (Exception e) when (e is TimeoutException or OperationCanceledException)
            {
                // The wait is over: the client's patience, the client itself, or the server ends. Answer with what is there.
            }
        }
    }

    /// <summary>Makes an object count as changed; the token returned is just before that change.</summary>
    public string Inject(string @class, string reference)
    {
        var injected = 0L;
        store.Commit(unit =>
        {
            unit.Get(@class, reference);
            unit.Touch(reference);
            injected = store.Current.Generation;
        });
        return new EventToken(injected, store.Current.LastChange(_messages)).ToString();
    }

    internal static XenStruct Event(ClassDef @class, string operation, string reference, long id, string timestamp, Record? record)
    {
        List<(string, XenValue)> members =
        [
            ("id", id.ToString(CultureInfo.InvariantCulture)),
            ("timestamp", timestamp),
            ("class", @class.WireClass),
            ("operation", operation),
            ("ref", reference),
        ];
        if (record is not null)
            members.Add(("snapshot", record.Struct));
        return XenStruct.Of([.. members]);
    }

    /// <summary>The events since a token, or null when there are none.</summary>
    private XenStruct? Answer(string session, Subscriptions subscriptions, EventToken since)
    {
        var database = store.Current;
        if (database.Find(session) is null)
            throw Errors.SessionInvalid(session);
        if (Collect(database, subscriptions, since) is not { Count: > 0 } events)
            return null;
        sessions.Find(session);
        return Answer(database, events);
    }

    private List<XenValue> Collect(Database database, Subscriptions subscriptions, EventToken token)
    {
        var batch = new Batch(_messages);
        var recent = _recent.Between(Math.Min(token.Objects, subscriptions.WantsMessages ? token.Messages : token.Objects), database.Generation);
        if (recent is not null)
        {
            foreach (var (@class, reference) in recent)
            {
                var since = @class == _messages ? token.Messages : token.Objects;
                if (!@class.GeneratesEvents || !subscriptions.Wants(@class, reference))
                    continue;
                if (database.Find(reference) is { } record)
                    batch.Add(record, since);
                else if (database.Deletions(@class).FirstOrDefault(d => d.Reference == reference) is { } deletion)
                    batch.Add(@class, deletion, since);
            }

            return batch.ToList();
        }

        foreach (var @class in subscriptions.Classes)
        {
            var since = @class == _messages ? token.Messages : token.Objects;
            if (database.LastChange(@class) <= since)
                continue;
            foreach (var record in database.All(@class))
            {
                if (subscriptions.Wants(@class, record.Reference))
                    batch.Add(record, since);
            }

            foreach (var deletion in database.Deletions(@class))
            {
                if (subscriptions.Wants(@class, deletion.Reference))
                    batch.Add(@class, deletion, since);
            }
        }

        return batch.ToList();
    }

    private XenStruct Answer(Database database, List<XenValue> events) => XenStruct.Of(
        ("events", events.Count == 0 ? XenArray.Empty : new XenArray(events)),
        ("valid_ref_counts", new XenStruct(_countedNames, [.. _counted.Select(c => new XenInt32(database.Count(c)))])),
        ("token", new EventToken(database.Generation, database.LastChange(_messages)).ToString()));

    /// <summary>
    /// The events of one answer: messages first, then what is new, changed and gone. An object whose uuid lives on in a
    /// new one goes before that: clients that keep objects by uuid would lose the new one.
    /// </summary>
    private sealed class Batch(ClassDef messageClass)
    {
        private readonly List<XenValue> _messages = [];
        private readonly List<XenValue> _added = [];
        private readonly List<XenValue> _changed = [];
        private readonly List<(string Uuid, XenValue Event)> _gone = [];
        private readonly HashSet<string> _newUuids = new(StringComparer.Ordinal);

        public void Add(Record record, long since)
        {
            if (record.Modified <= since)
                return;
            var isNew = record.Created > since;
            // With an empty token everything is new and nothing is gone.
            if (isNew && since > 0 && record.Class.Find("uuid") is not null)
                _newUuids.Add(record.Uuid);
            var list = record.Class == messageClass ? _messages : isNew ? _added : _changed;
            list.Add(Event(record.Class, isNew ? "add" : "mod", record.Reference, record.Modified, "0.0", record));
        }

        public void Add(ClassDef @class, Deletion deletion, long since)
        {
            if (deletion.Deleted <= since || deletion.Created > since)
                return;
            var gone = Event(@class, "del", deletion.Reference, deletion.Deleted, "0.0", null);
            if (@class == messageClass)
                _messages.Add(gone);
            else
                _gone.Add((deletion.Uuid, gone));
        }

        public List<XenValue> ToList()
        {
            var reborn = _gone.ToLookup(g => _newUuids.Contains(g.Uuid), g => g.Event);
            return [.. _messages, .. reborn[true], .. _added, .. _changed, .. reborn[false]];
        }
    }
}
