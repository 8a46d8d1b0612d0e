using XapiCompat.XeCli.Api;
using XapiCompat.XeCli.Tables;

namespace XapiCompat.XeCli.Records;

/// <summary>Fetches anew at each question; what one answer refers to is fetched once.</summary>
internal sealed class LiveRecords(XeApi api, XeTables tables) : XeRecords
{
    public XeTables Tables { get; } = tables;

    public override async Task<XeRecord> GetAsync(string table, string reference)
    {
        var found = Tables.Record(table);
        return new LiveRecord(api, found, reference, await api.RecordAsync(found.Class.Name, reference), new(api));
    }

    public override async Task<IReadOnlyList<XeRecord>> AllAsync(string table) => await AllOfAsync(Tables.Record(table));

    public async Task<IReadOnlyList<LiveRecord>> AllOfAsync(RecordTable table)
    {
        var references = new ReferenceCache(api);
        var all = await api.RecordsAsync(table.Class.Name);
        references.Fill(table.Class.Name, all);
        return [.. all.Select(r => new LiveRecord(api, table, r.Key, r.Value, references))];
    }

    /// <summary>The object with that uuid.</summary>
    public async Task<LiveRecord> ByUuidAsync(RecordTable table, string uuid) =>
        (LiveRecord)await GetAsync(table.Name, await api.ByUuidAsync(table.Class.Name, uuid));
}
