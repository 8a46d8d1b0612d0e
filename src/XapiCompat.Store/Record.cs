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
    private LaterField? _later;

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

    public IReadOnlyList<XenValue> Values => Filled();

    /// <summary>The record as clients see it; its encoded bytes are kept with it.</summary>
    public XenStruct Struct => _struct ??= new XenStruct(
        Class.FieldNames,
        Class.FieldNames.Count == _values.Length ? Filled() : new ArraySegment<XenValue>(Filled(), 0, Class.FieldNames.Count),
        cacheFragments: true);

    public XenValue this[string field] => At(Class[field]);

    public XenValue this[FieldDef field] => At(field.Index);

    public string Uuid => Text("uuid");

    public string Text(string field) => this[field].ToString()!;

    public long Int(string field) => ((XenInt)this[field]).Number;

    public bool Flag(string field) => ((XenBool)this[field]).Flag;

    public XenStruct Map(string field) => (XenStruct)this[field];

    public string Target(string field) => Text(field);

    /// <summary>The texts of a set field: references, tags, enum members.</summary>
    public IEnumerable<string> Set(string field) => ((XenArray)this[field]).Items.Select(i => i.ToString()!);

    /// <summary>Computes what was left for later; any thread may, and it costs nothing when there is nothing left.</summary>
    public void Complete() => Filled();

    internal Record Draft() => new(Class, Reference, (XenValue[])Filled().Clone(), Created, Modified);

    internal void FillLater(LaterField later)
    {
        _struct = null;
        Volatile.Write(ref _later, later);
    }

    internal void Write(int field, XenValue value)
    {
        _values[field] = value;
        _struct = null;
    }

    internal bool SameValues(Record other) => Filled().AsSpan().SequenceEqual(other.Filled());

    private XenValue At(int field) => Volatile.Read(ref _later) is { } later && later.Field == field ? Filled()[field] : _values[field];

    private XenValue[] Filled()
    {
        if (Volatile.Read(ref _later) is not { } later)
            return _values;
        // Two threads may both compute it; they come to the same.
        _values[later.Field] = later.Compute(this);
        Volatile.Write(ref _later, null);
        return _values;
    }

    public override string ToString() => Class.Name + " " + Reference;
}

/// <summary>A field that is computed when somebody reads it.</summary>
internal sealed record LaterField(int Field, Func<Record, XenValue> Compute);
