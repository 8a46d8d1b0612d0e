using XapiCompat.Core.Dispatch;
using XapiCompat.Core.Services;
using XapiCompat.Values;

namespace XapiCompat.Core.Handlers;

public sealed class SessionHandlers(SessionService sessions, Credentials credentials)
{
    [XenMessage("session.login_with_password")]
    public Ref Login(CallContext context, string uname, string pwd, string version, string originator) =>
        new(sessions.Login(uname, pwd, originator));

    [XenMessage("session.slave_local_login_with_password")]
    public Ref LocalLogin(CallContext context, string uname, string pwd) => new(sessions.Login(uname, pwd, ""));

    [XenMessage("session.logout")]
    public void Logout(CallContext context) => sessions.Logout(context.Session);

    [XenMessage("session.local_logout")]
    public void LocalLogout(CallContext context) => sessions.Logout(context.Session);

    [XenMessage("session.change_password")]
    public void ChangePassword(CallContext context, string old, string password)
    {
        if (context.SessionRecord?.Flag("is_local_superuser") != true)
            throw new XenException("USER_IS_NOT_LOCAL_SUPERUSER", "only the local superuser changes its password");
        if (password.Length == 0)
            throw new XenException("CHANGE_PASSWORD_REJECTED", "the new password is empty");
        credentials.ChangePassword(password);
    }
}
