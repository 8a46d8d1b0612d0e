namespace XapiCompat.XeCli.Tables;

/// <summary>Rows of the commands that every class has, from its record table.</summary>
internal static class GeneratedRows
{
    private static readonly string[] StandardLists = ["vm", "network", "sr"];

    public static IEnumerable<CommandRow> Of(GeneratedClass @class, int priority)
    {
        var fields = @class.Table.Fields.Where(f => !f.Hidden).ToList();
        foreach (var operation in @class.Operations)
        {
            var (required, optional) = Parameters(operation, fields);
            var flags = operation == "list" && StandardLists.Contains(@class.Name) ? new HashSet<string>(StringComparer.Ordinal) { "standard" } : [];
            yield return new(@class.Name + "-" + operation, required, optional, flags, LocalSession: false, priority, Help(@class, operation, fields))
            {
                Generated = new(@class, operation),
            };
        }
    }

    private static (string[] Required, string[] Optional) Parameters(string operation, List<RecordField> fields) => operation switch
    {
        "list" => ([], ["params", "database:", .. fields.Select(f => f.Name), .. fields.Where(f => f.Kind == FieldKind.Set).Select(f => f.Name + ":contains")]),
        "param-list" => (["uuid"], ["database:"]),
        "param-get" => (["uuid", "param-name"], ["param-key", "database:"]),
        "param-set" => (["uuid"], [.. fields.Where(f => f.Can("set")).Select(f => f.Name), .. fields.Where(TakesPairs).Select(f => f.Name + ":")]),
        "param-add" => (["uuid", "param-name"], ["param-key"]),
        "param-remove" => (["uuid", "param-name", "param-key"], []),
        _ => (["uuid", "param-name"], []),
    };

    private static bool TakesPairs(RecordField field) => field.Can("add_to_map") || field.Can("set_in_map") || field.Can("set_map");

    private static string Help(GeneratedClass @class, string operation, List<RecordField> fields)
    {
        var thing = @class.Name;
        return operation switch
        {
            "list" => "Shows every " + thing + " whose fields have the given values. Choose columns with params=a,b or params=all; "
                + "a pair of a map is asked for with field:key=value, a member of a set with field:contains=value.",
            "param-list" => "Shows all fields of one " + thing + ".",
            "param-get" => "Shows one field of a " + thing + "; of a map, param-key picks one value.",
            "param-set" => "Writes fields of a " + thing + " with field=value, and pairs of a map with field:key=value.",
            "param-add" => "Adds to a field of a " + thing + ": param-key to a set, key=value pairs to a map.",
            "param-remove" => "Takes a member out of a set, or a key out of a map, of a " + thing + ".",
            _ => "Empties a field of a " + thing + " (" + string.Join(", ", fields.Where(f => f.Can("set") || f.Kind != FieldKind.Scalar).Select(f => f.Name)) + ").",
        };
    }
}
