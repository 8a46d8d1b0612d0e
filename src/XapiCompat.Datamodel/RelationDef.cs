namespace XapiCompat.Datamodel;

/// <summary>Two fields that mirror each other: the one side is stored, the many side is computed from it.</summary>
/// <param name="One">A ref, or a set of refs in the few many-to-many relations.</param>
/// <param name="Many">A set of refs.</param>
public sealed record RelationDef(ClassDef OneClass, FieldDef One, ClassDef ManyClass, FieldDef Many);

/// <summary>An HTTP handler of the real server.</summary>
public sealed record HttpActionDef(string Action, string Method, string Uri, string MinRole)
{
    public RoleSet Roles { get; } = Datamodel.Roles.AtLeast(MinRole);

    /// <summary>The name of the right to use it.</summary>
    public string Permission => "http/" + Action.ToLowerInvariant();
}
