using XapiCompat.XeCli.Records;
using XapiCompat.XeCli.Tables;

namespace XapiCompat.XeCli.Selecting;

/// <summary>The objects that the parameters of a command select.</summary>
internal static class Selection
{
    /// <param name="defaults">Conditions that are not typed.</param>
    /// <param name="nicknames">Fields in which the parameter named like the table is looked for.</param>
    public static async Task<IReadOnlyList<LiveRecord>> FindAsync(
        XeCall call, string table, IReadOnlyList<KeyValuePair<string, string>> defaults, IReadOnlyList<string> nicknames)
    {
        var records = (LiveRecords)call.Records;
        var fields = records.Tables.Record(table);
        var all = await records.AllOfAsync(fields);
        if (call.Parameters.Find(table) is { } name)
            all = [.. all.Where(r => nicknames.Any(n => r.Values[n]?.ToString() == name))];
        return await RecordFilters.ApplyAsync(fields, all, [.. defaults, .. Conditions(call, table, records.Tables)]);
    }

    private static IEnumerable<KeyValuePair<string, string>> Conditions(XeCall call, string table, XeTables tables)
    {
        var row = tables.FindCommand(call.Command);
        var own = new HashSet<string>(tables.CommonParameters, StringComparer.Ordinal) { table };
        foreach (var parameter in row?.Required ?? [])
            own.Add(parameter.TrimEnd(':', '-'));
        // Some commands take the uuid of what they select as a parameter of their own.
        foreach (var parameter in row?.Optional.Where(o => o != "uuid") ?? [])
            own.Add(parameter.TrimEnd(':', '-'));
        return call.Parameters.Pairs.Where(p => !own.Contains(p.Key.Split(':', 2)[0]));
    }
}
