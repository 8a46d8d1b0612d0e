using XapiCompat.Core.Services;
using XapiCompat.Datamodel;
using XapiCompat.Store;
using XapiCompat.Values;

namespace XapiCompat.Core.Access;

/// <summary>
/// Local users as the API shows them: each is a subject, whose roles decide what its next login may do. The users file
/// holds at every start; what clients change at the roles holds until the next one.
/// </summary>
public static class UserSubjects
{
    public static void Plant(RecordStore store, Credentials credentials, IdSource ids) => store.Commit(unit =>
    {
        var @class = unit.Model.Class("subject");
        foreach (var old in unit.All(@class).Where(s => IsGone(s, credentials)).ToList())
            unit.Delete(old.Reference);
        foreach (var user in credentials.Users)
        {
            var reference = Find(unit, user.SubjectIdentifier)?.Reference;
            if (reference is null)
            {
                reference = ids.NewReference();
                unit.Insert(@class, reference, [("uuid", ids.NewUuidText()), ("subject_identifier", user.SubjectIdentifier)]);
            }

            unit.Set(reference, "other_config", XenStruct.Of(("subject-is-group", "false"), ("subject-name", user.Name), ("subject-sid", user.SubjectIdentifier)));
            unit.Set(reference, "roles", user.Role is null ? XenArray.Empty : XenArray.Of([RoleTable.ReferenceOf(user.Role)]));
        }
    });

    /// <summary>The subject of an identifier, or null.</summary>
    public static Record? Find(IRecords records, string identifier) =>
        records.All(records.Model.Class("subject")).FirstOrDefault(s => s.Text("subject_identifier") == identifier);

    /// <summary>What a subject's roles allow together.</summary>
    public static RoleSet RolesOf(Record subject, RoleTable roles)
    {
        var set = RoleSet.None;
        foreach (var role in subject.Set("roles"))
            set |= roles.Find(role);
        return set;
    }

    private static bool IsGone(Record subject, Credentials credentials)
    {
        var identifier = subject.Text("subject_identifier");
        return identifier.StartsWith(LocalUser.IdentifierPrefix, StringComparison.Ordinal)
            && credentials.Find(identifier[LocalUser.IdentifierPrefix.Length..]) is null;
    }
}
