using XapiCompat.Values;

namespace XapiCompat.XeCli.Commands;

/// <summary>What can be measured on an object of a class.</summary>
/// <param name="class">Name of the class in the API.</param>
public sealed class DataSources(XeCall call, string @class)
{
    private static readonly string[] Columns = ["name_label", "name_description", "enabled", "standard", "min", "max", "units"];

    public async Task ListAsync(string reference)
    {
        var sources = ((XenArray)await call.Api.CallAsync(@class + ".get_data_sources", reference)).Items.Cast<XenStruct>();
        await call.Printer.TableAsync([.. sources.Select(Row)]);
    }

    public Task RecordAsync(string reference) => call.Api.CallAsync(@class + ".record_data_source", reference, Name);

    public async Task QueryAsync(string reference) =>
        await call.Printer.ItemAsync(Rows.Measured(await call.Api.CallAsync(@class + ".query_data_source", reference, Name)));

    public Task ForgetAsync(string reference) => call.Api.CallAsync(@class + ".forget_data_source_archives", reference, Name);

    private string Name => call.Parameters.Required("data-source");

    private static IReadOnlyList<KeyValuePair<string, string>> Row(XenStruct source) =>
        [.. Columns.Select(name => KeyValuePair.Create(name, Rows.Text(source[name] ?? "")))];
}
