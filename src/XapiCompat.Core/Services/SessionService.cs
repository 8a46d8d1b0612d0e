using System.Globalization;
using XapiCompat.Datamodel;
using XapiCompat.Store;
using XapiCompat.Values;

namespace XapiCompat.Core.Services;

/// <summary>Logins. Sessions live in memory only: after a restart every client logs in again.</summary>
public sealed class SessionService(RecordStore store, IdSource ids, TimeProvider clock, Credentials credentials)
{
    private const int PerOriginator = 500;

    private static readonly TimeSpan Idle = TimeSpan.FromHours(24);
    private static readonly TimeSpan TouchEvery = TimeSpan.FromMinutes(10);

    private readonly ClassDef _class = store.Model.Class("session");

    /// <summary>A new session of the local superuser, or SESSION_AUTHENTICATION_FAILED.</summary>
    public string Login(string user, string password, string originator)
    {
        if (!credentials.Accepts(user, password))
            throw new XenException("SESSION_AUTHENTICATION_FAILED", user, "Authentication failure");

        var reference = ids.NewReference();
        var now = XenDate.Format(clock.GetUtcNow());
        store.Commit(unit =>
        {
            var siblings = unit.All(_class).Where(s => s.Text("originator") == originator).ToList();
            foreach (var oldest in siblings.OrderBy(s => s.Text("last_active"), StringComparer.Ordinal).Take(Math.Max(0, siblings.Count - PerOriginator + 1)).ToList())
                unit.Delete(oldest.Reference);
            unit.Insert(
                _class,
                reference,
                [
                    ("uuid", ids.NewUuidText()),
                    ("this_host", unit.All(unit.Model.Class("host")).FirstOrDefault()?.Reference ?? Ref.Null.Text),
                    ("last_active", now),
                    ("validation_time", now),
                    ("is_local_superuser", true),
                    ("auth_user_name", user),
                    ("originator", originator),
                ]);
        });
        return reference;
    }

    /// <summary>The live session behind a reference, marked as used; null when there is none.</summary>
    public Record? Find(string reference)
    {
        if (store.Current.Find(reference) is not { } session || session.Class != _class)
            return null;
        var now = clock.GetUtcNow();
        var idle = now - Time(session);
        if (idle > Idle)
        {
            Logout(reference);
            return null;
        }

        if (idle > TouchEvery)
        {
            store.Commit(unit =>
            {
                if (unit.Find(reference) is not null)
                    unit.Set(reference, "last_active", XenDate.Format(now));
            });
        }

        return session;
    }

    public void Logout(string reference) => store.Commit(unit =>
    {
        if (unit.Find(reference)?.Class == _class)
            unit.Delete(reference);
    });

    /// <summary>Ends sessions that were idle for a day.</summary>
    public void Collect()
    {
        var limit = clock.GetUtcNow() - Idle;
        foreach (var session in store.Current.All(_class).Where(s => Time(s) < limit).ToList())
            Logout(session.Reference);
    }

    private static DateTimeOffset Time(Record session) =>
        DateTimeOffset.ParseExact(session.Text("last_active"), "yyyyMMdd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal);
}
