using System.Collections.Concurrent;
using XapiCompat.Datamodel;
using XapiCompat.Store;
using XapiCompat.Values;

namespace XapiCompat.Core.Dispatch;

/// <summary>
/// What a member of a pool answers itself. Sessions of the pool are the master's business: a member sends them there.
/// Local logins and the calls of their sessions are served.
/// </summary>
internal sealed class MemberGate
{
    private const int MaxLocal = 1000;

    private readonly ConcurrentDictionary<string, bool> _local = new(StringComparer.Ordinal);

    /// <summary>For a call that reached a member with a valid session, or needs none.</summary>
    public void Check(MessageDef message, Record? session, string master)
    {
        if (session is null ? message.FullName == "session.login_with_password" : !_local.ContainsKey(session.Reference))
            throw IsSlave(master);
    }

    public static XenException IsSlave(string master) => new("HOST_IS_SLAVE", master);

    /// <summary>Remembers what a local login gave.</summary>
    public void Note(MessageDef message, XenValue result)
    {
        if (message.NeedsSession || !message.FullName.StartsWith("session.slave_local_login", StringComparison.Ordinal))
            return;
        if (_local.Count >= MaxLocal)
            _local.Clear();
        _local[result.ToString()!] = true;
    }
}
