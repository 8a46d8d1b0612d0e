using XapiCompat.Core.Access;
using XapiCompat.Core.Dispatch;
using XapiCompat.Store;
using XapiCompat.Values;

namespace XapiCompat.Core.Handlers;

/// <summary>
/// The directory of users. There is no external one: the subjects are all that is known, and without local users
/// authentication beside the superuser's counts as switched off.
/// </summary>
public sealed class AuthHandlers(RecordStore store, Credentials credentials)
{
    [XenMessage("auth.get_subject_identifier")]
    public string SubjectIdentifier(CallContext context, string name) =>
        (store.Current.All(store.Model.Class("subject")).FirstOrDefault(s => s.Map("other_config")["subject-name"]?.ToString() == name) ?? throw Unknown()).Text("subject_identifier");

    [XenMessage("auth.get_subject_information_from_identifier")]
    public XenStruct SubjectInformation(CallContext context, string identifier) => Find(identifier).Map("other_config");

    /// <summary>Local users are in no groups.</summary>
    [XenMessage("auth.get_group_membership")]
    public XenArray GroupMembership(CallContext context, string identifier)
    {
        Find(identifier);
        return XenArray.Empty;
    }

    private Record Find(string identifier) => UserSubjects.Find(store.Current, identifier) ?? throw Unknown();

    private XenException Unknown() => new(credentials.Users.Any() ? "SUBJECT_CANNOT_BE_RESOLVED" : "AUTH_IS_DISABLED");
}
