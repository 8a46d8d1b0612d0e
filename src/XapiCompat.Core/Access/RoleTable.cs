using System.Collections.Frozen;
using System.Security.Cryptography;
using System.Text;
using XapiCompat.Datamodel;
using XapiCompat.Store;
using XapiCompat.Values;

namespace XapiCompat.Core.Access;

/// <summary>
/// Roles and permissions as the API shows them: both are objects of the class role, a role's subroles are its
/// permissions. All follows from the datamodel and is the same in every server.
/// </summary>
public sealed class RoleTable
{
    /// <summary>The right to end and change the tasks of others.</summary>
    public const string AnyTask = "task.destroy/any";

    /// <summary>The reference that the datamodel gives to new subjects.</summary>
    private const string PoolAdminUuid = "0165f154-ba3e-034e-6b27-5d271af109ba";

    private readonly List<Permission> _permissions;
    private readonly (RoleSet Role, XenArray Names)[] _names;
    private readonly FrozenDictionary<string, RoleSet> _byReference;

    public RoleTable(Model model)
    {
        _permissions = [.. All(model).DistinctBy(p => p.Name, StringComparer.Ordinal).OrderBy(p => p.Name, StringComparer.Ordinal)];
        _names = [.. Roles.Names.Select(Roles.Find).Select(role => (role, XenArray.Of(_permissions.Where(p => (p.Roles & role) != 0).Select(p => p.Name))))];
        _byReference = Roles.Names.ToFrozenDictionary(ReferenceOf, Roles.Find, StringComparer.Ordinal);
    }

    /// <summary>Who may do what to tasks of others.</summary>
    public static RoleSet AnyTaskRoles { get; } = Roles.AtLeast("pool-operator");

    public static string ReferenceOf(string name) => Ref.Prefix + UuidOf(name);

    /// <summary>The role behind a reference, or none.</summary>
    public RoleSet Find(string reference) => _byReference.GetValueOrDefault(reference);

    /// <summary>The names of what the strongest of some roles may do: one shared list for each role, so that a session costs nothing.</summary>
    public XenArray NamesOf(RoleSet roles)
    {
        var strongest = Roles.Strongest(roles);
        return _names.FirstOrDefault(n => n.Role == strongest).Names ?? XenArray.Empty;
    }

    /// <summary>The role whose list of names this very list is.</summary>
    public RoleSet RoleOf(XenValue names)
    {
        foreach (var (role, list) in _names)
        {
            if (ReferenceEquals(list, names))
                return role;
        }

        return RoleSet.None;
    }

    /// <summary>Makes the objects, in place of older ones.</summary>
    public void Plant(RecordStore store) => store.Commit(unit =>
    {
        var @class = unit.Model.Class("role");
        var wanted = new HashSet<string>(_permissions.Select(p => p.Reference).Concat(_byReference.Keys), StringComparer.Ordinal);
        foreach (var old in unit.All(@class).Where(r => !wanted.Contains(r.Reference)).ToList())
            unit.Delete(old.Reference);
        foreach (var permission in _permissions)
            Put(unit, @class, permission.Reference, permission.Name, "One message or HTTP path", isInternal: true, XenArray.Empty);
        foreach (var name in Roles.Names)
        {
            var role = Roles.Find(name);
            var subroles = XenArray.Of(_permissions.Where(p => (p.Roles & role) != 0).Select(p => p.Reference));
            Put(unit, @class, ReferenceOf(name), name, Description(role), role == RoleSet.ClientCert, subroles);
        }
    });

    private static void Put(UnitOfWork unit, ClassDef @class, string reference, string name, string description, bool isInternal, XenArray subroles)
    {
        if (unit.Find(reference) is null)
        {
            unit.Insert(
                @class,
                reference,
                [
                    ("uuid", reference[Ref.Prefix.Length..]), ("name_label", name), ("name_description", description),
                    ("is_internal", isInternal), ("subroles", subroles),
                ]);
        }
        else
        {
            unit.Set(reference, "subroles", subroles);
        }
    }

    private static IEnumerable<Permission> All(Model model)
    {
        foreach (var message in model.Messages)
        {
            yield return new(message.Permission, message.Roles);
            foreach (var key in message.MapKeys)
                yield return new(KeyPermission(message, key), key.Roles);
        }

        foreach (var action in model.HttpActions)
            yield return new(action.Permission, action.Roles);
        yield return new(AnyTask, AnyTaskRoles);
    }

    internal static string KeyPermission(MessageDef message, MapKeyRole key) => message.Permission + "/key:" + key.Pattern.ToLowerInvariant();

    private static string UuidOf(string name)
    {
        if (name == "pool-admin")
            return PoolAdminUuid;
        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(Encoding.UTF8.GetBytes(name), hash);
        return new Guid(hash[..16], bigEndian: true).ToString("D");
    }

    private static string Description(RoleSet role) => role switch
    {
        RoleSet.PoolAdmin => "Everything",
        RoleSet.PoolOperator => "All but accounts and roles",
        RoleSet.VmPowerAdmin => "All on VMs, snapshots and migration included",
        RoleSet.VmAdmin => "Create and change VMs",
        RoleSet.VmOperator => "Use VMs: power and consoles",
        RoleSet.ClientCert => "Clients that come with a TLS certificate",
        _ => "Look, touch nothing",
    };

    private sealed record Permission(string Name, RoleSet Roles)
    {
        public string Reference { get; } = ReferenceOf(Name);
    }
}
