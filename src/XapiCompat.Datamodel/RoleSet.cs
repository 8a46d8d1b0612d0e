namespace XapiCompat.Datamodel;

/// <summary>Roles as bits: what a session has and what a message asks for meet in one AND.</summary>
[Flags]
public enum RoleSet
{
    None = 0,
    ReadOnly = 1,
    ClientCert = 2,
    VmOperator = 4,
    VmAdmin = 8,
    VmPowerAdmin = 16,
    PoolOperator = 32,
    PoolAdmin = 64,

    /// <summary>No role: the local superuser, who may call everything.</summary>
    LocalRoot = 128,
}

/// <summary>Names of roles and the sets that the spec's least roles stand for.</summary>
public static class Roles
{
    /// <summary>The spec's least role of messages that no role is enough for.</summary>
    public const string LocalRootOnly = "(local root only)";

    private static readonly NamedRole[] StrongToWeak =
    [
        new("pool-admin", RoleSet.PoolAdmin),
        new("pool-operator", RoleSet.PoolOperator),
        new("vm-power-admin", RoleSet.VmPowerAdmin),
        new("vm-admin", RoleSet.VmAdmin),
        new("vm-operator", RoleSet.VmOperator),
        new("client-cert", RoleSet.ClientCert),
        new("read-only", RoleSet.ReadOnly),
    ];

    /// <summary>All roles, the strongest first.</summary>
    public static IEnumerable<string> Names => StrongToWeak.Select(r => r.Name);

    /// <summary>The bit of a role, or none for a name that is no role.</summary>
    public static RoleSet Find(string name)
    {
        foreach (var (known, role) in StrongToWeak)
        {
            if (known == name)
                return role;
        }

        return RoleSet.None;
    }

    /// <summary>A role and every stronger one, and the local superuser.</summary>
    public static RoleSet AtLeast(string name)
    {
        var set = RoleSet.LocalRoot;
        if (name == LocalRootOnly)
            return set;
        foreach (var (known, role) in StrongToWeak)
        {
            set |= role;
            if (known == name)
                return set;
        }

        throw new InvalidDataException("xapi-spec names an unknown role: " + name);
    }

    /// <summary>Names of the roles in a set, the strongest first.</summary>
    public static IEnumerable<string> NamesOf(RoleSet set) => StrongToWeak.Where(r => (r.Role & set) != 0).Select(r => r.Name);

    /// <summary>The strongest role of a set alone: it has every right of the others.</summary>
    public static RoleSet Strongest(RoleSet set) => StrongToWeak.FirstOrDefault(r => (r.Role & set) != 0)?.Role ?? RoleSet.None;

    private sealed record NamedRole(string Name, RoleSet Role);
}
