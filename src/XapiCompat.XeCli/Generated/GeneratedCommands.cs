using XapiCompat.XeCli.Records;
using XapiCompat.XeCli.Selecting;
using XapiCompat.XeCli.Tables;

namespace XapiCompat.XeCli.Generated;

/// <summary>The commands that every class has: they live from its record table alone.</summary>
internal static class GeneratedCommands
{
    public static Task RunAsync(XeCall call, GeneratedCommand command) => command.Operation switch
    {
        "list" => Databases.UseAsync(call, inner => ListAsync(inner, command.Class)),
        "param-list" => Databases.UseAsync(call, inner => ShowAllAsync(inner, command.Class.Table)),
        "param-get" => Databases.UseAsync(call, inner => ShowOneAsync(inner, command.Class.Table)),
        "param-set" => SetAsync(call, command.Class.Table),
        "param-add" => AddAsync(call, command.Class.Table),
        "param-remove" => RemoveAsync(call, command.Class.Table),
        _ => ClearAsync(call, command.Class.Table),
    };

    private static LiveRecords Records(XeCall call) => (LiveRecords)call.Records;

    private static async Task ListAsync(XeCall call, GeneratedClass @class)
    {
        var records = Records(call);
        var all = await records.AllOfAsync(@class.Table);
        var conditions = Assignments(call, records.Tables, "params").Where(p => !p.Key.StartsWith(Databases.Prefix, StringComparison.Ordinal));
        var hits = await RecordFilters.ApplyAsync(@class.Table, all, [.. @class.DefaultFilters, .. conditions]);
        if (call.Parameters.Flag("all"))
            hits = all;
        IReadOnlyList<string> columns = call.Parameters.Find("params") is { } asked ? asked.Split(',') : @class.DefaultColumns;
        var table = new List<IReadOnlyList<KeyValuePair<string, string>>>(hits.Count);
        foreach (var hit in hits)
            table.Add(await hit.PrintAsync(columns, expensive: false));
        await call.Printer.TableAsync(table);
    }

    private static async Task ShowAllAsync(XeCall call, RecordTable table) =>
        await call.Printer.TableAsync([await (await GetAsync(call, table)).PrintAsync([])]);

    private static async Task ShowOneAsync(XeCall call, RecordTable table)
    {
        var record = await GetAsync(call, table);
        var field = record.Lookup(call.Parameters.Required("param-name"));
        var value = await record.ReadAsync(field);
        if (call.Parameters.Find("param-key") is { } key && field.Kind == FieldKind.Map)
            await call.Printer.ItemAsync(value.Pairs.FirstOrDefault(p => p.Key == key) is { Key: not null } pair ? pair.Value : throw new XeException("Key " + key + " not found in map"));
        else
            await call.Printer.ItemAsync(value.Text);
    }

    private static async Task SetAsync(XeCall call, RecordTable table) =>
        await new FieldWriter(await GetAsync(call, table)).SetAsync(Assignments(call, Records(call).Tables, "uuid"));

    private static async Task AddAsync(XeCall call, RecordTable table) =>
        await new FieldWriter(await GetAsync(call, table)).AddAsync(
            call.Parameters.Required("param-name"), call.Parameters.Find("param-key"), Assignments(call, Records(call).Tables, "uuid", "param-name", "param-key"));

    private static async Task RemoveAsync(XeCall call, RecordTable table) =>
        await new FieldWriter(await GetAsync(call, table)).RemoveAsync(call.Parameters.Required("param-name"), call.Parameters.Required("param-key"));

    private static async Task ClearAsync(XeCall call, RecordTable table) =>
        await new FieldWriter(await GetAsync(call, table)).ClearAsync(call.Parameters.Required("param-name"));

    private static Task<LiveRecord> GetAsync(XeCall call, RecordTable table) => Records(call).ByUuidAsync(table, call.Parameters.Required("uuid"));

    private static IEnumerable<KeyValuePair<string, string>> Assignments(XeCall call, XeTables tables, params string[] own) =>
        call.Parameters.Pairs.Where(p => !tables.CommonParameters.Contains(p.Key) && !own.Contains(p.Key));
}
