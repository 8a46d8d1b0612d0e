using XapiCompat.XeCli.Records;
using XapiCompat.XeCli.Tables;

namespace XapiCompat.XeCli.Selecting;

/// <summary>Conditions that must all hold.</summary>
internal static class RecordFilters
{
    /// <summary>Where there is no record, nothing is wrong with any condition.</summary>
    public static async Task<IReadOnlyList<LiveRecord>> ApplyAsync(
        RecordTable table, IReadOnlyList<LiveRecord> records, IEnumerable<KeyValuePair<string, string>> conditions)
    {
        foreach (var (name, value) in conditions)
        {
            if (records.Count == 0)
                break;
            var filter = RecordFilter.Parse(table, name, value);
            var kept = new List<LiveRecord>();
            foreach (var record in records)
            {
                if (await filter.MatchesAsync(record))
                    kept.Add(record);
            }

            records = kept;
        }

        return records;
    }
}
