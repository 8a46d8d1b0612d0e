using System.Text.Json;
using XapiCompat.Datamodel;

namespace XapiCompat.XeCli.Tables;

/// <summary>Reads the tables of <c>xapi-spec/xe</c>.</summary>
internal static class TableLoader
{
    public static XeTables Load(Model model)
    {
        using var recordsFile = SpecFiles.Open("xe/records.json");
        var fields = new FieldLoader(model);
        var records = new List<RecordTable>();
        foreach (var table in recordsFile.RootElement.GetProperty("records").EnumerateObject())
            records.Add(fields.ReadTable(table.Name, table.Value));
        var byName = records.ToDictionary(r => r.Name, StringComparer.Ordinal);

        using var commandsFile = SpecFiles.Open("xe/commands.json");
        var root = commandsFile.RootElement;
        var commands = new List<CommandRow>();
        foreach (var command in root.GetProperty("static").EnumerateObject())
            commands.Add(ReadCommand(command.Name, command.Value));
        var classes = new List<GeneratedClass>();
        foreach (var entry in root.GetProperty("generated").EnumerateArray())
        {
            var generated = ReadClass(entry, byName);
            classes.Add(generated);
            commands.AddRange(GeneratedRows.Of(generated, Priority(entry)));
        }

        commands.Sort((a, b) => string.CompareOrdinal(a.Name, b.Name));
        using var errorsFile = SpecFiles.Open("errors.json");
        var errors = new Dictionary<string, IReadOnlyList<string>>(StringComparer.Ordinal);
        foreach (var error in errorsFile.RootElement.EnumerateObject())
            errors.Add(error.Name, Strings(error.Value));
        return new(model, commands, records, classes, Strings(root.GetProperty("common_params")).ToHashSet(StringComparer.Ordinal), errors);
    }

    public static string[] Strings(JsonElement array)
    {
        var strings = new string[array.GetArrayLength()];
        var next = 0;
        foreach (var element in array.EnumerateArray())
            strings[next++] = element.GetString()!;
        return strings;
    }

    public static bool Flag(JsonElement element, string name) =>
        element.TryGetProperty(name, out var flag) && flag.ValueKind == JsonValueKind.True;

    private static CommandRow ReadCommand(string name, JsonElement row) => new(
        name,
        Strings(row.GetProperty("reqd")),
        // One row of the original has an empty name.
        [.. Strings(row.GetProperty("optn")).Where(o => o.Length > 0)],
        Strings(row.GetProperty("flags")).ToHashSet(StringComparer.Ordinal),
        Flag(row, "local_session"),
        Priority(row),
        row.TryGetProperty("help", out var help) ? help.GetString() : null)
    {
        Missing = row.TryGetProperty("missing", out var missing) ? missing.GetString() : null,
    };

    private static int Priority(JsonElement row) => row.TryGetProperty("priority", out var priority) ? priority.GetInt32() : 0;

    private static GeneratedClass ReadClass(JsonElement entry, Dictionary<string, RecordTable> records) => new(
        entry.GetProperty("class").GetString()!,
        records[entry.GetProperty("record").GetString()!],
        [.. entry.GetProperty("default_filters").EnumerateObject().Select(f => KeyValuePair.Create(f.Name, f.Value.GetString()!))],
        Strings(entry.GetProperty("default_list_params")),
        Strings(entry.GetProperty("ops")));
}
