using XapiCompat.Core.Services;
using XapiCompat.Datamodel;
using XapiCompat.Store;
using XapiCompat.Values;

namespace XapiCompat.Core.Access;

/// <summary>
/// Who may do what. A session's rights are fixed at its login and stand in its record; a check is one look at the record
/// and one AND of bits.
/// </summary>
public sealed class AccessControl(Model model, RoleTable roles)
{
    private readonly FieldDef _superuser = model.Class("session").Find("is_local_superuser")!;
    private readonly FieldDef _pool = model.Class("session").Find("pool")!;
    private readonly FieldDef _permissions = model.Class("session").Find("rbac_permissions")!;
    private readonly FieldDef _sid = model.Class("session").Find("auth_user_sid")!;
    private readonly Dictionary<string, HttpActionDef> _actions = model.HttpActions.ToDictionary(a => a.Action, StringComparer.Ordinal);
    private readonly Dictionary<MessageDef, MessageDef> _keyedSetters = KeyedSetters(model);

    public RoleSet RightsOf(Record session) =>
        ((XenBool)session[_superuser]).Flag ? RoleSet.LocalRoot : roles.RoleOf(session[_permissions]);

    /// <summary>Why a call is not allowed, or null. Looks at nothing but the session, the message and the key of a map.</summary>
    public XenFailure? Refusal(MessageDef message, IReadOnlyList<XenValue> arguments, Record session)
    {
        var rights = RightsOf(session);
        if (message.MapKeys.Count > 0 && arguments[1].ToString() is { } key)
        {
            foreach (var keyed in message.MapKeys)
            {
                if (keyed.Covers(key))
                    return (keyed.Roles & rights) != 0 ? null : Denied(RoleTable.KeyPermission(message, keyed), keyed.Roles);
            }
        }

        if ((message.Roles & rights) == 0)
            return Denied(message.Permission, message.Roles);

        // Users, whatever their role, are no hosts; the superuser may play one.
        return message.PoolInternal && (rights & RoleSet.LocalRoot) == 0 && !((XenBool)session[_pool]).Flag
            ? Errors.Internal(message.FullName + " is for the hosts of a pool among themselves").Failure
            : null;
    }

    /// <summary>
    /// A few maps may be set as a whole by roles that may not touch every key: what would change decides, as if each key
    /// were removed and added alone.
    /// </summary>
    public XenFailure? RefusalOfKeys(IRecords records, MessageDef message, IReadOnlyList<XenValue> arguments, Record session)
    {
        if (!_keyedSetters.TryGetValue(message, out var adder) || records.Find(arguments[0].ToString()!) is not { } self || self.Class != message.Class)
            return null;
        var rights = RightsOf(session);
        var before = (XenStruct)self[adder.Field ?? self.Class.Find(adder.Name["add_to_".Length..])!];
        var after = (XenStruct)arguments[1];
        foreach (var name in before.Names.Concat(after.Names))
        {
            if (Equals(before[name], after[name]))
                continue;
            foreach (var keyed in adder.MapKeys)
            {
                if (keyed.Covers(name) && (keyed.Roles & rights) == 0)
                    return Denied(RoleTable.KeyPermission(adder, keyed), keyed.Roles);
            }
        }

        return null;
    }

    /// <summary>Throws when the session may not use an HTTP handler.</summary>
    /// <param name="action">Name in xapi-spec/http_actions.json.</param>
    public void RequireAction(string action, Record session)
    {
        var definition = _actions[action];
        if ((definition.Roles & RightsOf(session)) == 0)
            throw Denied(definition.Permission, definition.Roles).AsException();
    }

    /// <summary>
    /// Throws when the session may not drive a task: everybody may drive the tasks of the same user, operators those of
    /// all.
    /// </summary>
    public void RequireTask(IRecords records, Record task, Record? session)
    {
        if (session is null || IsOwn(records, task, session))
            return;
        if ((RoleTable.AnyTaskRoles & RightsOf(session)) == 0)
            throw Denied(RoleTable.AnyTask, RoleTable.AnyTaskRoles).AsException();
    }

    private bool IsOwn(IRecords records, Record task, Record session)
    {
        var owner = task.Text("session");
        return owner == session.Reference
            || (records.Find(owner) is { } other && other.Class == session.Class && other[_sid].Equals(session[_sid]));
    }

    private static XenFailure Denied(string permission, RoleSet allowed) => new(
        "RBAC_PERMISSION_DENIED",
        permission,
        "the caller has none of the roles that may: " + string.Join(", ", Roles.NamesOf(allowed)));

    private static Dictionary<MessageDef, MessageDef> KeyedSetters(Model model)
    {
        var setters = new Dictionary<MessageDef, MessageDef>();
        foreach (var name in (string[])["VM.{0}_other_config", "VM.{0}_platform", "task.{0}_other_config"])
        {
            if (model.FindMessage(string.Format(null, name, "set")) is { } setter && model.FindMessage(string.Format(null, name, "add_to")) is { } adder)
                setters.Add(setter, adder);
        }

        return setters;
    }
}
