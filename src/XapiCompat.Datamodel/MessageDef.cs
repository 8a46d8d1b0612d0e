using System.Runtime.CompilerServices;
using XapiCompat.Values;

namespace XapiCompat.Datamodel;

/// <summary>The 13 kinds of generated messages, and explicit ones.</summary>
public enum MessageKind
{
    Explicit,
    Getter,
    Setter,
    AddTo,
    RemoveFrom,
    GetRecord,
    GetByUuid,
    GetByNameLabel,
    GetAll,
    GetAllWhere,
    GetAllRecords,
    GetAllRecordsWhere,
    Create,
    Destroy,
}

/// <param name="Name">Without class, as in <c>get_record</c>.</param>
/// <param name="Parameters">Without the session.</param>
/// <param name="Result">Null for void.</param>
/// <param name="Field">The field of a getter, setter, add or remove.</param>
/// <param name="MinRole">The weakest role that may call.</param>
public sealed record MessageDef(
    ClassDef Class,
    string Name,
    IReadOnlyList<ParameterDef> Parameters,
    XenType? Result,
    MessageKind Kind,
    FieldDef? Field,
    string MinRole,
    IReadOnlyDictionary<string, string> MapKeyRoles,
    bool Async,
    bool NeedsSession,
    bool Hidden,
    bool PoolInternal,
    bool Removed)
{
    /// <summary>As sent: <c>VM.get_record</c>.</summary>
    public string FullName { get; } = Class.Name + "." + Name;

    public int RequiredParameters { get; } = Parameters.Count(p => !p.Optional);

    public bool HasOptionalParameters => RequiredParameters < Parameters.Count;

    /// <summary>Who may call.</summary>
    public RoleSet Roles { get; } = Datamodel.Roles.AtLeast(MinRole);

    /// <summary>Keys with a least role of their own, for the messages that add and remove them.</summary>
    public IReadOnlyList<MapKeyRole> MapKeys { get; } = MapKeyRole.Of(MapKeyRoles);

    /// <summary>The name of the right to call, as in a session's rbac_permissions.</summary>
    public string Permission => FullName.ToLowerInvariant();

    /// <summary>There is one definition of each message; comparing members would only cost time.</summary>
    public bool Equals(MessageDef? other) => ReferenceEquals(this, other);

    public override int GetHashCode() => RuntimeHelpers.GetHashCode(this);
}

/// <param name="Default">Fills an optional parameter that was left off.</param>
public sealed record ParameterDef(string Name, XenType Type, bool Optional, XenValue Default);
