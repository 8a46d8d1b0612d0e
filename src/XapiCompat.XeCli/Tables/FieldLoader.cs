using System.Text.Json;
using XapiCompat.Datamodel;

namespace XapiCompat.XeCli.Tables;

/// <summary>Joins the fields of the record tables with the datamodel.</summary>
internal sealed class FieldLoader(Model model)
{
    private const string EnumFormat = "enum:";

    public RecordTable ReadTable(string name, JsonElement table)
    {
        var @class = ClassOf(table.GetProperty("api_class").GetString()!);
        var fields = new List<RecordField>();
        foreach (var field in table.GetProperty("fields").EnumerateArray())
            fields.Add(ReadField(field, @class));
        return new(name, @class, fields);
    }

    private RecordField ReadField(JsonElement field, ClassDef @class)
    {
        var name = field.GetProperty("xe").GetString()!;
        var tag = field.GetProperty("tag").GetString()!;
        var kind = field.GetProperty("kind").GetString() switch { "set" => FieldKind.Set, "map" => FieldKind.Map, _ => FieldKind.Scalar };
        var formats = field.TryGetProperty("format", out var given) ? TableLoader.Strings(given) : [];
        var api = field.TryGetProperty("api", out var one) && one.ValueKind == JsonValueKind.String ? one.GetString() : null;
        var (link, linked) = api is null && field.TryGetProperty("from_other_record", out var other) ? Linked(@class, TableLoader.Strings(other)) : default;
        return new(
            name,
            name + " (" + tag.PadLeft(3) + ")" + (TableLoader.Flag(field, "deprecated") ? " [DEPRECATED]" : ""),
            kind,
            api,
            link?.Name,
            linked?.Name,
            field.TryGetProperty("missing", out var missing) ? missing.GetString()! : Placeholders.NotInDatabase,
            formats.Any(f => f.StartsWith("joined \", \"", StringComparison.Ordinal)) ? ", " : "; ",
            formats.FirstOrDefault(f => f.StartsWith(EnumFormat, StringComparison.Ordinal)) is { } conversion ? conversion[EnumFormat.Length..conversion.IndexOf("_to_", StringComparison.Ordinal)] : null,
            RefersTo(formats, api is null ? linked?.Type : @class.Find(api)?.Type),
            formats.Contains("ref->name-label"),
            kind == FieldKind.Map || formats.Any(f => f.StartsWith("map ", StringComparison.Ordinal)),
            Operations(field),
            TableLoader.Flag(field, "expensive"),
            TableLoader.Flag(field, "hidden"),
            TableLoader.Flag(field, "case_insensitive"));
    }

    /// <summary>The field of <paramref name="class"/> that leads to the object which a name such as <c>vM_metrics_hvm</c> speaks of, and its field.</summary>
    private (FieldDef? Link, FieldDef? Field) Linked(ClassDef @class, string[] names)
    {
        foreach (var link in @class.Fields)
        {
            if (link.Type is RefType target && model.FindClass(target.Class) is { } other
                && names[0].StartsWith(other.Name + "_", StringComparison.OrdinalIgnoreCase)
                && other.Find(names[0][(other.Name.Length + 1)..]) is { } field)
                return (link, field);
        }

        return default;
    }

    private static string? RefersTo(string[] formats, XenType? type)
    {
        if (!formats.Any(f => f.StartsWith("ref", StringComparison.Ordinal) || f.StartsWith("map to uuids", StringComparison.Ordinal)))
            return null;
        return type switch
        {
            RefType one => one.Class,
            SetType { Item: RefType item } => item.Class,
            MapType { Item: RefType item } => item.Class,
            // Names of disks that are kept as text.
            SetType { Item: StringType } => "VDI",
            _ => null,
        };
    }

    private Dictionary<string, IReadOnlyList<MessageDef>> Operations(JsonElement field)
    {
        var operations = new Dictionary<string, IReadOnlyList<MessageDef>>(StringComparer.Ordinal);
        if (!field.TryGetProperty("ops", out var ops))
            return operations;
        foreach (var operation in ops.EnumerateObject())
            operations.Add(operation.Name, [.. TableLoader.Strings(operation.Value).Select(MessageOf)]);
        return operations;
    }

    private MessageDef MessageOf(string name)
    {
        var dot = name.IndexOf('.', StringComparison.Ordinal);
        return model.FindMessage(ClassOf(name[..dot]).Name + name[dot..]) ?? throw new InvalidDataException("xe/records.json names no message: " + name);
    }

    private ClassDef ClassOf(string name) => model.FindWireClass(name) ?? throw new InvalidDataException("xe/records.json names no class: " + name);
}
