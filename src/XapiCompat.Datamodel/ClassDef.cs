using System.Collections.Frozen;
using XapiCompat.Values;

namespace XapiCompat.Datamodel;

/// <summary>A XenAPI class: its fields, client-visible ones first, in the spec's order.</summary>
public sealed class ClassDef
{
    private readonly FrozenDictionary<string, FieldDef> _fields;
    private readonly FrozenDictionary<string, FieldDef> _columns;

    internal ClassDef(
        string name,
        int index,
        bool stored,
        bool persistent,
        bool generatesEvents,
        IReadOnlyList<FieldDef> fields,
        IReadOnlyList<string> requiredMembers,
        IReadOnlyList<string> optionalMembers)
    {
        Name = name;
        WireClass = name.ToLowerInvariant();
        Index = index;
        Stored = stored;
        Persistent = persistent;
        GeneratesEvents = generatesEvents;
        Fields = fields;
        FieldNames = [.. fields.Where(f => !f.Internal).Select(f => f.Name)];
        RequiredMembers = requiredMembers;
        OptionalMembers = optionalMembers;
        _fields = fields.ToFrozenDictionary(f => f.Name, StringComparer.Ordinal);
        _columns = fields.ToFrozenDictionary(f => f.Name.Replace("__", "_", StringComparison.Ordinal), StringComparer.Ordinal);
    }

    public string Name { get; }

    /// <summary>The name in events: lower case.</summary>
    public string WireClass { get; }

    /// <summary>Dense number of the class, for arrays by class.</summary>
    public int Index { get; }

    /// <summary>True when objects of the class are rows; false for classes that only have messages or are answered by code.</summary>
    public bool Stored { get; }

    /// <summary>False for classes whose objects are gone after a restart (session, task, metrics of devices).</summary>
    public bool Persistent { get; }

    public bool GeneratesEvents { get; }

    public IReadOnlyList<FieldDef> Fields { get; }

    /// <summary>Names of the visible fields: the first ones of <see cref="Fields"/>.</summary>
    public IReadOnlyList<string> FieldNames { get; }

    /// <summary>Members without which the real server refuses a create record.</summary>
    public IReadOnlyList<string> RequiredMembers { get; }

    public IReadOnlyList<string> OptionalMembers { get; }

    public FieldDef? Find(string field) => _fields.GetValueOrDefault(field);

    /// <summary>A field by wire name or by database column name (<c>name__label</c>).</summary>
    public FieldDef? FindColumn(string column) =>
        Find(column) ?? _columns.GetValueOrDefault(column.Replace("__", "_", StringComparison.Ordinal));

    /// <summary>Position of a field in a record's values.</summary>
    public int this[string field] =>
        _fields.TryGetValue(field, out var def) ? def.Index : throw new ArgumentException(Name + " has no field " + field, nameof(field));

    public override string ToString() => Name;
}

public enum FieldQualifier
{
    /// <summary>Has generated setters.</summary>
    ReadWrite,

    /// <summary>Given to create only.</summary>
    StaticReadOnly,

    /// <summary>Written by the server only.</summary>
    DynamicReadOnly,
}

/// <param name="Name">Wire name.</param>
/// <param name="Index">Position in a record's values.</param>
/// <param name="Persist">False when the value is lost at a restart.</param>
/// <param name="Default">The spec's default, else the type's empty value.</param>
/// <param name="HasDefault">True when the spec names a default.</param>
/// <param name="Computed">True for the many side of a relation: derived from the other side, never stored.</param>
/// <param name="Internal">True for fields that clients never see.</param>
public sealed record FieldDef(
    string Name,
    int Index,
    XenType Type,
    FieldQualifier Qualifier,
    bool Persist,
    XenValue Default,
    bool HasDefault,
    bool Computed,
    bool Internal);
