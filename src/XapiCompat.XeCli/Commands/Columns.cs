namespace XapiCompat.XeCli.Commands;

/// <summary>Which fields of records a command shows.</summary>
public static class Columns
{
    /// <summary>The fields that a parameter asks for; none means all.</summary>
    /// <param name="parameter">Usually <c>params</c>; <c>all</c> there means all fields.</param>
    public static IReadOnlyList<string> ColumnsOr(this XeCall call, string parameter, params IReadOnlyList<string> otherwise) =>
        call.Parameters.Find(parameter) switch
        {
            null => otherwise,
            "all" => [],
            var names => names.Split(','),
        };

    /// <summary>Prints objects of a record table, one block each.</summary>
    /// <param name="fields">None means all.</param>
    public static async Task PrintRecordsAsync(this XeCall call, string table, IEnumerable<string> references, IReadOnlyList<string> fields)
    {
        var blocks = new List<IReadOnlyList<KeyValuePair<string, string>>>();
        foreach (var reference in references)
            blocks.Add(await (await call.Records.GetAsync(table, reference)).PrintAsync(fields));
        await call.Printer.TableAsync(blocks);
    }

    public static Task PrintRecordAsync(this XeCall call, string table, string reference, params IReadOnlyList<string> fields) =>
        call.PrintRecordsAsync(table, [reference], fields);
}
