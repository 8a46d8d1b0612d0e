using System.Globalization;
using XapiCompat.Datamodel;
using XapiCompat.Store;
using XapiCompat.Values;

namespace XapiCompat.Core.Services;

/// <summary>
/// event.from: what differs between a token and now, by comparing generations. Nobody raises events; commits do.
/// </summary>
public sealed class EventService(RecordStore store, SessionService sessions, TimeProvider clock)
{
    private static readonly TimeSpan Longest = TimeSpan.FromHours(24);

    /// <param name="timeout">Seconds; negative or not finite means a day.</param>
    public async ValueTask<XenStruct> FromAsync(string session, IEnumerable<string> classes, string token, double timeout, CancellationToken cancellationToken)
    {
        var since = EventToken.Parse(token);
        var subscriptions = classes.Select(c => Subscription.Parse(c, store.Model)).ToList();
        var limit = double.IsFinite(timeout) && timeout >= 0 && timeout < Longest.TotalSeconds * 104 ? TimeSpan.FromSeconds(timeout) : Longest;
        var start = clock.GetTimestamp();
        while (true)
        {
            var database = store.Current;
            if (database.Find(session) is null)
                throw Errors.SessionInvalid(session);
            var events = Collect(database, subscriptions, since);
            var left = limit - clock.GetElapsedTime(start);
            if (events.Count > 0 || left <= TimeSpan.Zero || cancellationToken.IsCancellationRequested)
            {
                sessions.Find(session);
                return Answer(database, events);
            }

            var next = store.NextCommitAsync(database.Generation);
            try
            {
                await next.WaitAsync(left, clock, cancellationToken);
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
        store.Commit(unit =>
        {
            unit.Get(@class, reference);
            unit.Touch(reference);
        });
        return EventToken.Format(store.Current.Find(reference)!.Modified - 1);
    }

    private List<XenValue> Collect(Database database, List<Subscription> subscriptions, long since)
    {
        var added = new List<XenValue>();
        var changed = new List<XenValue>();
        var gone = new List<XenValue>();
        foreach (var @class in store.Model.Classes)
        {
            if (!@class.GeneratesEvents || database.LastChange(@class) <= since)
                continue;
            var wanted = subscriptions.Where(s => s.Covers(@class)).ToList();
            if (wanted.Count == 0)
                continue;
            var whole = wanted.Any(s => s.Reference is null);
            var candidates = whole
                ? database.All(@class)
                : wanted.Select(s => database.Find(s.Reference!)).OfType<Record>().Where(r => r.Class == @class).Distinct();
            foreach (var record in candidates)
            {
                if (record.Created > since)
                    added.Add(Event(@class, "add", record.Reference, record.Modified, record));
                else if (record.Modified > since)
                    changed.Add(Event(@class, "mod", record.Reference, record.Modified, record));
            }

            foreach (var deletion in database.Deletions(@class))
            {
                if (deletion.Deleted > since && deletion.Created <= since && (whole || wanted.Any(s => s.Reference == deletion.Reference)))
                    gone.Add(Event(@class, "del", deletion.Reference, deletion.Deleted, null));
            }
        }

        return [.. added, .. changed, .. gone];
    }

    private static XenStruct Event(ClassDef @class, string operation, string reference, long generation, Record? record)
    {
        List<(string, XenValue)> members =
        [
            ("id", generation.ToString(CultureInfo.InvariantCulture)),
            ("timestamp", "0.0"),
            ("class", @class.WireClass),
            ("operation", operation),
            ("ref", reference),
        ];
        if (record is not null)
            members.Add(("snapshot", record.Struct));
        return XenStruct.Of([.. members]);
    }

    private XenStruct Answer(Database database, List<XenValue> events)
    {
        var counted = store.Model.Classes.Where(c => c.Stored).ToList();
        return XenStruct.Of(
            ("events", events.Count == 0 ? XenArray.Empty : new XenArray(events)),
            ("valid_ref_counts", new XenStruct([.. counted.Select(c => c.WireClass)], [.. counted.Select(c => new XenInt32(database.Count(c)))])),
            ("token", EventToken.Format(database.Generation)));
    }

    private sealed record Subscription(ClassDef? Class, bool Everything, string? Reference)
    {
        public static Subscription Parse(string text, Model model)
        {
            if (text == "*")
                return new(null, true, null);
            var slash = text.IndexOf('/', StringComparison.Ordinal);
            return slash < 0
                ? new(model.FindWireClass(text), false, null)
                : new(model.FindWireClass(text[..slash]), false, text[(slash + 1)..]);
        }

        public bool Covers(ClassDef @class) => Everything || Class == @class;
    }
}

/// <summary>The token of event.from: the database's generation, and one for messages, as zero-filled decimals.</summary>
internal static class EventToken
{
    public static string Format(long generation) =>
        generation.ToString("D20", CultureInfo.InvariantCulture) + ",00000000000000000000";

    /// <summary>Empty means from the beginning. Anything unreadable is EVENT_FROM_TOKEN_PARSE_FAILURE.</summary>
    public static long Parse(string token)
    {
        if (token.Length == 0)
            return 0;
        var parts = token.Split(',');
        return parts.Length == 2
            && long.TryParse(parts[0], NumberStyles.None, CultureInfo.InvariantCulture, out var generation)
            && long.TryParse(parts[1], NumberStyles.None, CultureInfo.InvariantCulture, out _)
            ? generation
            : throw new XenException("EVENT_FROM_TOKEN_PARSE_FAILURE", token);
    }
}
