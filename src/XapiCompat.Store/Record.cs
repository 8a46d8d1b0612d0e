using XapiCompat.Datamodel;
using XapiCompat.Values;

namespace XapiCompat.Store;

/// <summary>
/// One object: the values of its class's fields in the spec's order. Published records never change; a change makes a
/// new record of the same reference.
/// </summary>
public sealed class Record
{
    private readonly XenValue[] _values;
    private XenStruct? _struct;

    internal Record(ClassDef @class, string reference, XenValue[] values, long created, long modified)
    {
        Class = @class;
        Reference = reference;
        _values = values;
        Created = created;
        Modified = modified;
    }

    public ClassDef Class { get; }

    /// <summary>The opaque reference, as text.</summary>
    public string Reference { get; }

    public Ref Ref => new(Reference);

    /// <summary>Generation of the commit that made the object.</summary>
    public long Created { get; internal set; }

    /// <summary>Generation of the newest commit that changed it.</summary>
    public long Modified { get; internal set; }

    public IReadOnlyList<XenValue> Values => _values;

    /// <summary>The record as clients see it; its encoded bytes are kept with it.</summary>
    public XenStruct Struct => _struct ??= new XenStruct(
        Class.FieldNames,
        Class.FieldNames.Count == _values.Length ? _values : new ArraySegment<XenValue>(_values, 0, Class.FieldNames.Count),
        cacheFragments: true);

    public XenValue this[string field] => _values[Class[field]];

    public XenValue this[FieldDef field] => _values[field.Index];

    public string Uuid => Text("uuid");

    public string Text(string field) => this[field].ToString()!;

    public long Int(string field) => ((XenInt)this[field]).Number;

    public bool Flag(string field) => ((XenBool)this[field]).Flag;

    public XenStruct Map(string field) => (XenStruct)this[field];

    public string Target(string field) => Text(field);

    /// <summary>The texts of a set field: references, tags, enum members.</summary>
    public IEnumerable<string> Set(string field) => ((XenArray)this[field]).Items.Select(i => i.ToString()!);

    internal Record Draft() => new(Class, Reference, (XenValue[])_values.Clone(), Created, Modified);

    internal void Write(int field, XenValue value)
    {
        _values[field] = value;
        _struct = null;
    }

    internal bool SameValues(Record other) => _values.AsSpan().SequenceEqual(other._values);

    public override string ToString() => Class.Name + " " + Reference;
}
