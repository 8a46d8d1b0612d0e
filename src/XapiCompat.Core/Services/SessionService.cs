using XapiCompat.Core.Access;
using XapiCompat.Core.Dispatch;
using XapiCompat.Datamodel;
using XapiCompat.Store;
using XapiCompat.Values;

namespace XapiCompat.Core.Services;

/// <summary>How long sessions live and what a failed login costs.</summary>
/// <param name="Idle">A session that nobody used for so long is gone.</param>
/// <param name="FailurePause">A failed login is answered after it; zero: at once.</param>
/// <param name="OnFailure">Told of each failed login: user and address.</param>
public sealed record SessionLimits(TimeSpan Idle, TimeSpan FailurePause, Action<string, string>? OnFailure = null);

/// <summary>Logins. Sessions live in memory only: after a restart every client logs in again.</summary>
public sealed class SessionService(
    RecordStore store, IdSource ids, TimeProvider clock, Credentials credentials, RoleTable roles, SessionLimits limits)
{
    private const int PerOriginator = 500;
    private const int PerUser = 500;
    private const int OfRootWithoutOriginator = 400;

    private static readonly TimeSpan TouchEvery = TimeSpan.FromMinutes(10);

    private readonly ClassDef _class = store.Model.Class("session");
    private readonly LoginThrottle _throttle = new(limits.FailurePause, clock);
    private volatile Age? _age;

    /// <summary>
    /// A new session, SESSION_AUTHENTICATION_FAILED, or SESSION_AUTHORIZATION_FAILED for a user without a role. A caller on
    /// the trusted socket may leave out name and password and is the superuser.
    /// </summary>
    public async ValueTask<Record> LoginAsync(string user, string password, string originator, CallOrigin origin, bool superuserOnly = false)
    {
        if (origin.Trusted && user.Length == 0 && password.Length == 0)
            return Open(new(credentials.Superuser, null), originator);
        var login = await _throttle.TryAsync(origin.Address, () => AuthenticateAsync(user, password, superuserOnly), origin.Disconnected);
        if (login is not null)
            return Open(login, originator);
        limits.OnFailure?.Invoke(user, origin.Address);
        throw new XenException("SESSION_AUTHENTICATION_FAILED", user, "Authentication failure");
    }

    /// <summary>The live session behind a reference, marked as used; null when there is none.</summary>
    public Record? Find(string reference)
    {
        if (store.Current.Find(reference) is not { } session || session.Class != _class)
            return null;
        var age = CurrentAge();
        var active = session.Text("last_active");
        if (string.CompareOrdinal(active, age.Fresh) >= 0)
            return session;
        if (string.CompareOrdinal(active, age.Expired) < 0)
        {
            Logout(reference);
            return null;
        }

        store.Commit(unit =>
        {
            if (unit.Find(reference) is not null)
                unit.Set(reference, "last_active", XenDate.Format(clock.GetUtcNow()));
        });
        return session;
    }

    public void Logout(string reference) => store.Commit(unit =>
    {
        if (unit.Find(reference)?.Class == _class)
            unit.Delete(reference);
    });

    /// <summary>Ends the sessions of a user that no superuser's are, but not the caller's own.</summary>
    public void LogoutSubject(string identifier, string except) => store.Commit(unit =>
    {
        foreach (var session in unit.All(_class).Where(s => s.Reference != except && !s.Flag("is_local_superuser") && s.Text("auth_user_sid") == identifier).ToList())
            unit.Delete(session.Reference);
    });

    /// <summary>Ends sessions that nobody used for too long.</summary>
    public void Collect()
    {
        var expired = Stamp(clock.GetUtcNow() - limits.Idle);
        foreach (var session in store.Current.All(_class).Where(s => string.CompareOrdinal(s.Text("last_active"), expired) < 0).ToList())
            Logout(session.Reference);
    }

    private async ValueTask<Login?> AuthenticateAsync(string user, string password, bool superuserOnly) =>
        (user == credentials.Superuser || !superuserOnly) && await credentials.AcceptsAsync(user, password)
            ? new(user, user == credentials.Superuser ? null : credentials.Find(user))
            : null;

    private Record Open(Login login, string originator)
    {
        var reference = ids.NewReference();
        var now = XenDate.Format(clock.GetUtcNow());
        store.Commit(unit =>
        {
            var subject = login.User is null ? null : Authorize(unit, login.User);
            MakeRoom(unit, login, originator);
            unit.Insert(
                _class,
                reference,
                [
                    ("uuid", ids.NewUuidText()),
                    ("this_host", unit.All(unit.Model.Class("pool")).FirstOrDefault()?.Target("master") ?? Ref.Null.Text),
                    ("last_active", now),
                    ("validation_time", now),
                    ("is_local_superuser", login.User is null),
                    ("subject", subject?.Reference ?? Ref.Null.Text),
                    ("auth_user_sid", login.User?.SubjectIdentifier ?? ""),
                    ("auth_user_name", login.Name),
                    ("rbac_permissions", subject is null ? XenArray.Empty : roles.NamesOf(UserSubjects.RolesOf(subject, roles))),
                    ("originator", originator),
                ]);
        });
        return store.Current.Find(reference) ?? throw Errors.SessionInvalid(reference);
    }

    private Record Authorize(UnitOfWork unit, LocalUser user) =>
        UserSubjects.Find(unit, user.SubjectIdentifier) is { } subject && UserSubjects.RolesOf(subject, roles) != RoleSet.None
            ? subject
            : throw new XenException("SESSION_AUTHORIZATION_FAILED", user.Name, "The user has no role");

    /// <summary>The oldest sessions of the same kind go first.</summary>
    private void MakeRoom(UnitOfWork unit, Login login, string originator)
    {
        var (most, siblings) = login.User is { } user
            ? (PerUser, unit.All(_class).Where(s => s.Text("auth_user_sid") == user.SubjectIdentifier))
            : (originator.Length > 0 ? PerOriginator : OfRootWithoutOriginator, unit.All(_class).Where(s => s.Flag("is_local_superuser") && s.Text("originator") == originator));
        var all = siblings.ToList();
        if (all.Count < most)
            return;
        foreach (var oldest in all.OrderBy(s => s.Text("last_active"), StringComparer.Ordinal).ThenBy(s => s.Created).Take(all.Count - most + 1))
            unit.Delete(oldest.Reference);
    }

    /// <summary>Two moments of the past as records write them, good for a second: a call compares text with text.</summary>
    private Age CurrentAge()
    {
        var now = clock.GetTimestamp();
        if (_age is { } age && clock.GetElapsedTime(age.Made, now) is { TotalSeconds: >= 0 and < 1 })
            return age;
        var time = clock.GetUtcNow();
        var touch = limits.Idle / 2 < TouchEvery ? limits.Idle / 2 : TouchEvery;
        return _age = new(now, Stamp(time - touch), Stamp(time - limits.Idle));
    }

    private static string Stamp(DateTimeOffset time) => XenDate.Format(time).Text;

    private sealed record Age(long Made, string Fresh, string Expired);

    /// <param name="User">Null for the superuser.</param>
    private sealed record Login(string Name, LocalUser? User);
}
