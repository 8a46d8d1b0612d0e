using System.Collections.Frozen;
using XapiCompat.Datamodel;

namespace XapiCompat.XeCli.Tables;

/// <summary>How objects of a class look on the command line: fields in the order in which they print.</summary>
public sealed class RecordTable(string name, ClassDef @class, IReadOnlyList<RecordField> fields)
{
    private readonly FrozenDictionary<string, RecordField> _byName = fields.ToFrozenDictionary(f => f.Name, StringComparer.Ordinal);

    public string Name { get; } = name;

    /// <summary>The class of the API behind it.</summary>
    public ClassDef Class { get; } = @class;

    public IReadOnlyList<RecordField> Fields { get; } = fields;

    public RecordField? Find(string field) => _byName.GetValueOrDefault(field);
}
