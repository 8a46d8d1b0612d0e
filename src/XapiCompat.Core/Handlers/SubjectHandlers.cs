using XapiCompat.Core.Access;
using XapiCompat.Core.Dispatch;
using XapiCompat.Core.Services;
using XapiCompat.Store;
using XapiCompat.Values;

namespace XapiCompat.Core.Handlers;

/// <summary>Users and groups that may log in, and their roles. A change holds from the next login on.</summary>
public sealed class SubjectHandlers(RecordStore store, IdSource ids)
{
    /// <summary>An identifier stands for one subject only; the empty one for nobody.</summary>
    [XenMessage("subject.create")]
    public Ref Create(CallContext context, XenStruct args) => store.Commit(unit =>
    {
        if (args["subject_identifier"]?.ToString() is { Length: > 0 } identifier && UserSubjects.Find(unit, identifier) is not null)
            throw new XenException("SUBJECT_ALREADY_EXISTS");
        var @class = unit.Model.Class("subject");
        var reference = ids.NewReference();
        unit.Insert(@class, reference, CreateRecord.Fields(@class, args));
        unit.Set(reference, "uuid", ids.NewUuidText());
        return new Ref(reference);
    });

    [XenMessage("subject.add_to_roles")]
    public void AddToRoles(CallContext context, Ref self, Ref role) => store.Commit(unit =>
    {
        var subject = unit.Get("subject", self);
        if (unit.Find(role.Text)?.Class.Name != "role")
            throw new XenException("ROLE_NOT_FOUND");
        if (subject.Set("roles").Contains(role.Text))
            throw new XenException("ROLE_ALREADY_EXISTS");
        unit.Set(subject.Reference, "roles", XenArray.Of([.. subject.Set("roles"), role.Text]));
    });

    [XenMessage("subject.remove_from_roles")]
    public void RemoveFromRoles(CallContext context, Ref self, Ref role) => store.Commit(unit =>
    {
        var subject = unit.Get("subject", self);
        if (!subject.Set("roles").Contains(role.Text))
            throw new XenException("ROLE_NOT_FOUND");
        unit.Set(subject.Reference, "roles", XenArray.Of(subject.Set("roles").Where(r => r != role.Text)));
    });

    [XenMessage("subject.get_permissions_name_label")]
    public XenArray PermissionNames(CallContext context, Ref self)
    {
        var records = store.Current;
        return XenArray.Of(records.Get("subject", self).Set("roles")
            .Select(records.Find)
            .OfType<Record>()
            .SelectMany(r => RoleHandlers.Leaves(records, r))
            .Select(r => r.Text("name_label"))
            .Distinct(StringComparer.Ordinal));
    }
}
