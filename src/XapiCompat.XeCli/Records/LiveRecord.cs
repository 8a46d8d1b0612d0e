using XapiCompat.Values;
using XapiCompat.XeCli.Api;
using XapiCompat.XeCli.Tables;

namespace XapiCompat.XeCli.Records;

/// <summary>An object as it was when it was fetched.</summary>
internal sealed class LiveRecord(XeApi api, RecordTable table, string reference, XenStruct values, ReferenceCache references) : XeRecord
{
    public XeApi Api { get; } = api;

    public RecordTable Table { get; } = table;

    public override string Reference { get; } = reference;

    public override XenStruct Values { get; } = values;

    public override async Task<string> TextAsync(string field) => (await ReadAsync(Lookup(field))).Text;

    public override async Task<IReadOnlyList<string>> ItemsAsync(string field) => (await ReadAsync(Lookup(field))).Items;

    public override async Task<IReadOnlyList<KeyValuePair<string, string>>> PairsAsync(string field) => (await ReadAsync(Lookup(field))).Pairs;

    public override async Task<IReadOnlyList<KeyValuePair<string, string>>> PrintAsync(IEnumerable<string> fields, bool expensive = true)
    {
        var wanted = fields as IReadOnlyCollection<string> ?? [.. fields];
        var all = wanted.Count == 0 || (wanted.Count == 1 && wanted.First() == "all");
        var printed = new List<KeyValuePair<string, string>>(all ? Table.Fields.Count : wanted.Count);
        foreach (var field in Table.Fields)
        {
            if (!field.Hidden && (all || wanted.Contains(field.Name)))
                printed.Add(KeyValuePair.Create(field.Label, field.Expensive && !expensive ? Placeholders.Expensive : (await ReadAsync(field)).Text));
        }

        return printed;
    }

    public ValueTask<FieldValue> ReadAsync(RecordField field) => FieldReader.ReadAsync(this, field);

    /// <exception cref="XeUnknownFieldException">The table has no such field.</exception>
    public RecordField Lookup(string field) => Table.Find(field) ?? throw new XeUnknownFieldException(field);

    /// <summary>The object that a reference field leads to; null when there is none.</summary>
    public ValueTask<XenStruct?> LinkedAsync(string field) =>
        Table.Class.Find(field)?.Type is Datamodel.RefType type ? FindAsync(type.Class, Values[field]?.ToString() ?? "") : new((XenStruct?)null);

    public ValueTask<XenStruct?> FindAsync(string @class, string other) => references.FindAsync(@class, other);

    public async ValueTask<string> UuidAsync(string @class, string other) =>
        (await references.FindAsync(@class, other))?["uuid"]?.ToString() ?? Placeholders.NotInDatabase;

    public async ValueTask<string> NameAsync(string @class, string other) =>
        (await references.FindAsync(@class, other))?["name_label"]?.ToString() ?? Placeholders.NotInDatabase;
}
