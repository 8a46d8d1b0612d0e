using System.Collections.Frozen;
using System.Text.Json;
using XapiCompat.Values;

namespace XapiCompat.Datamodel;

/// <summary>
/// Turns the files of xapi-spec into a <see cref="Model"/>. Every start of a server waits for it: loops instead of queries over
/// JSON elements, whose code would have to be compiled at each start.
/// </summary>
internal static class ModelLoader
{
    private static readonly Dictionary<string, string> NoTexts = [];

    public static Model Load(Func<string, JsonDocument> read)
    {
        using var enumsFile = read("enums.json");
        var enums = new Dictionary<string, EnumType>(StringComparer.Ordinal);
        foreach (var entry in enumsFile.RootElement.EnumerateObject())
            enums.Add(entry.Name, new(entry.Name, Strings(entry.Value)));
        var types = new XenTypeParser(enums);

        using var relationsFile = read("relations.json");
        var pairs = new List<Pair>();
        foreach (var relation in relationsFile.RootElement.GetProperty("relations").EnumerateArray())
        {
            var pair = new Pair(relation.GetProperty("a").GetString()!, relation.GetProperty("b").GetString()!);
            if (pair.A != pair.B)
                pairs.Add(pair);
        }

        var computed = pairs.Select(p => p.B).ToHashSet(StringComparer.Ordinal);

        using var index = read("index.json");
        var classes = new List<ClassDef>();
        var messages = new List<MessageDef>();
        foreach (var entry in index.RootElement.GetProperty("classes").EnumerateArray())
        {
            using var file = read("classes/" + entry.GetProperty("class").GetString() + ".json");
            var root = file.RootElement;
            var definition = ReadClass(root, classes.Count, types, computed);
            classes.Add(definition);
            foreach (var message in root.GetProperty("messages").EnumerateArray())
                messages.Add(ReadMessage(message, definition, types));
        }

        var byName = classes.ToDictionary(c => c.Name, StringComparer.Ordinal);
        var relations = pairs.Select(p => ReadRelation(p.A, p.B, byName)).ToList();
        return new(classes, messages, relations, ReadErrors(read), ReadHttpActions(read), ReadRoles(read));
    }

    private static ClassDef ReadClass(JsonElement root, int index, XenTypeParser types, HashSet<string> computed)
    {
        var name = root.GetProperty("name").GetString()!;
        var fields = new List<FieldDef>();
        // Internal fields never show: they stand behind the visible ones, so that the visible values are one run.
        foreach (var isInternal in (bool[])[false, true])
        {
            foreach (var field in root.GetProperty("fields").EnumerateArray())
            {
                if (Flag(field, "internal") == isInternal)
                    fields.Add(ReadField(field, name, fields.Count, types, computed));
            }
        }

        var create = root.TryGetProperty("create_record", out var members) ? members : default;
        return new(
            name,
            index,
            Flag(root, "in_database"),
            // Messages are no table of the database, but a real host keeps them across restarts too.
            Flag(root, "persistent") || name == "message",
            Flag(root, "generates_events"),
            fields,
            create.ValueKind == JsonValueKind.Object ? Strings(create.GetProperty("required")) : [],
            create.ValueKind == JsonValueKind.Object ? Strings(create.GetProperty("optional")) : []);
    }

    private static FieldDef ReadField(JsonElement field, string owner, int index, XenTypeParser types, HashSet<string> computed)
    {
        var name = field.GetProperty("name").GetString()!;
        var type = types.Parse(field.GetProperty("type").GetString()!);
        var hasDefault = field.TryGetProperty("default", out var given);
        return new(
            name,
            index,
            type,
            field.GetProperty("qualifier").GetString() switch
            {
                "RW" => FieldQualifier.ReadWrite,
                "StaticRO" => FieldQualifier.StaticReadOnly,
                _ => FieldQualifier.DynamicReadOnly,
            },
            !field.TryGetProperty("persist", out var persist) || persist.GetBoolean(),
            hasDefault ? Default(type, given) : type.Empty,
            hasDefault,
            computed.Contains(owner + "." + name),
            Flag(field, "internal"));
    }

    private static ParameterDef ReadParameter(JsonElement parameter, XenTypeParser types)
    {
        var type = types.Parse(parameter.GetProperty("type").GetString()!);
        return new(
            parameter.GetProperty("name").GetString()!,
            type,
            Flag(parameter, "optional"),
            parameter.TryGetProperty("default", out var given) ? Default(type, given) : type.Empty);
    }

    private static MessageDef ReadMessage(JsonElement root, ClassDef owner, XenTypeParser types)
    {
        var name = root.GetProperty("name").GetString()!;
        var (kind, field) = ReadKind(root.GetProperty("kind").GetString()!, owner);
        var needsSession = !Flag(root, "no_session");
        var parameters = new List<ParameterDef>();
        var isSession = needsSession;
        foreach (var parameter in root.GetProperty("params").EnumerateArray())
        {
            if (!isSession)
                parameters.Add(ReadParameter(parameter, types));
            isSession = false;
        }

        var roles = root.TryGetProperty("map_keys_min_role", out var keys) ? Texts(keys) : NoTexts;
        var result = root.GetProperty("result");
        return new(
            owner,
            name,
            parameters,
            result.ValueKind == JsonValueKind.Null ? null : types.Parse(result.GetString()!),
            kind,
            field,
            root.GetProperty("min_role").GetString()!,
            roles,
            Flag(root, "async"),
            needsSession,
            Flag(root, "hidden"),
            Flag(root, "pool_internal"),
            root.GetProperty("lifecycle").GetProperty("state").GetString() == "removed");
    }

    private static (MessageKind Kind, FieldDef? Field) ReadKind(string text, ClassDef owner)
    {
        var colon = text.IndexOf(':', StringComparison.Ordinal);
        var field = colon < 0 ? null : owner.Find(text[(colon + 1)..]);
        return ((colon < 0 ? text : text[..colon]) switch
        {
            "explicit" => MessageKind.Explicit,
            "getter" => MessageKind.Getter,
            "setter" => MessageKind.Setter,
            "add" => MessageKind.AddTo,
            "remove" => MessageKind.RemoveFrom,
            "get_record" => MessageKind.GetRecord,
            "get_by_uuid" => MessageKind.GetByUuid,
            "get_by_name_label" => MessageKind.GetByNameLabel,
            "get_all" => MessageKind.GetAll,
            "get_all_where" => MessageKind.GetAllWhere,
            "get_all_records" => MessageKind.GetAllRecords,
            "get_all_records_where" => MessageKind.GetAllRecordsWhere,
            "create" => MessageKind.Create,
            "destroy" => MessageKind.Destroy,
            _ => throw new InvalidDataException("xapi-spec has an unknown kind of message: " + text),
        }, field);
    }

    private static RelationDef ReadRelation(string a, string b, Dictionary<string, ClassDef> classes)
    {
        var (oneClass, one) = Locate(a, classes);
        var (manyClass, many) = Locate(b, classes);
        return new(oneClass, one, manyClass, many);
    }

    private static (ClassDef Class, FieldDef Field) Locate(string path, Dictionary<string, ClassDef> classes)
    {
        var dot = path.IndexOf('.', StringComparison.Ordinal);
        var owner = classes[path[..dot]];
        return (owner, owner.Find(path[(dot + 1)..]) ?? throw new InvalidDataException("xapi-spec relates an unknown field: " + path));
    }

    private static FrozenDictionary<string, IReadOnlyList<string>> ReadErrors(Func<string, JsonDocument> read)
    {
        using var declared = read("errors.json");
        using var undeclared = read("errors_undeclared.json");
        var errors = new Dictionary<string, IReadOnlyList<string>>(StringComparer.Ordinal);
        foreach (var code in declared.RootElement.EnumerateObject())
            errors.Add(code.Name, Strings(code.Value));
        foreach (var code in undeclared.RootElement.GetProperty("codes").EnumerateArray())
            errors.TryAdd(code.GetString()!, []);
        return errors.ToFrozenDictionary(StringComparer.Ordinal);
    }

    private static List<HttpActionDef> ReadHttpActions(Func<string, JsonDocument> read)
    {
        using var file = read("http_actions.json");
        var actions = new List<HttpActionDef>();
        foreach (var action in file.RootElement.GetProperty("actions").EnumerateArray())
        {
            actions.Add(new(
                action.GetProperty("action").GetString()!,
                action.GetProperty("method").GetString()!,
                action.GetProperty("uri").GetString()!,
                action.TryGetProperty("min_role", out var role) ? role.GetString()! : "pool-admin"));
        }

        return actions;
    }

    private static string[] ReadRoles(Func<string, JsonDocument> read)
    {
        using var file = read("roles.json");
        return Strings(file.RootElement.GetProperty("order_strong_to_weak"));
    }

    /// <summary>The model states one default that is no value of its type; the type's empty value stands in for it.</summary>
    private static XenValue Default(XenType type, JsonElement given)
    {
        try
        {
            return type.Coerce(JsonValues.Read(given));
        }
        catch (XenTypeException)
        {
            return type.Empty;
        }
    }

    private static bool Flag(JsonElement element, string name) =>
        element.TryGetProperty(name, out var flag) && flag.ValueKind == JsonValueKind.True;

    private static string[] Strings(JsonElement array)
    {
        var strings = new string[array.GetArrayLength()];
        var next = 0;
        foreach (var element in array.EnumerateArray())
            strings[next++] = element.GetString()!;
        return strings;
    }

    private static Dictionary<string, string> Texts(JsonElement map)
    {
        var texts = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var entry in map.EnumerateObject())
            texts.Add(entry.Name, entry.Value.GetString()!);
        return texts;
    }

    private sealed record Pair(string A, string B);
}
