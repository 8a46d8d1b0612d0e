using XapiCompat.Core.Access;
using XapiCompat.Core.Dispatch;
using XapiCompat.Core.Services;
using XapiCompat.Store;
using XapiCompat.Values;

namespace XapiCompat.Core.Handlers;

public sealed class SessionHandlers(RecordStore store, SessionService sessions, Credentials credentials)
{
    [XenMessage("session.login_with_password")]
    public async ValueTask<Ref> LoginAsync(CallContext context, string uname, string pwd, string version, string originator) =>
        (await sessions.LoginAsync(uname, pwd, originator, context.Origin)).Ref;

    /// <summary>Only the superuser can log in when the database may be away.</summary>
    [XenMessage("session.slave_local_login_with_password")]
    public async ValueTask<Ref> LocalLoginAsync(CallContext context, string uname, string pwd) =>
        (await sessions.LoginAsync(uname, pwd, "", context.Origin, superuserOnly: true)).Ref;

    [XenMessage("session.logout")]
    public void Logout(CallContext context) => sessions.Logout(context.Session);

    [XenMessage("session.local_logout")]
    public void LocalLogout(CallContext context) => sessions.Logout(context.Session);

    /// <summary>The old password is not looked at: whoever may call this is the superuser already.</summary>
    [XenMessage("session.change_password")]
    public async ValueTask ChangePasswordAsync(CallContext context, string old, string password)
    {
        if (context.SessionRecord?.Flag("is_local_superuser") != true)
            throw new XenException("USER_IS_NOT_LOCAL_SUPERUSER", "only the local superuser changes its password");
        if (password.Length == 0)
            throw new XenException("CHANGE_PASSWORD_REJECTED", "the new password is empty");
        await credentials.ChangePasswordAsync(password);
    }

    [XenMessage("session.get_all_subject_identifiers")]
    public XenArray SubjectIdentifiers(CallContext context) => XenArray.Of(
        store.Current.All(store.Model.Class("session"))
            .Where(s => !s.Flag("is_local_superuser"))
            .Select(s => s.Text("auth_user_sid"))
            .Distinct(StringComparer.Ordinal)
            .Order(StringComparer.Ordinal));

    [XenMessage("session.logout_subject_identifier")]
    public void LogoutSubject(CallContext context, string identifier) => sessions.LogoutSubject(identifier, except: context.Session);
}
