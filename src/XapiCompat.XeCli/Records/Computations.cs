using XapiCompat.Values;
using XapiCompat.XeCli.Tables;

namespace XapiCompat.XeCli.Records;

/// <summary>What several computed fields have in common.</summary>
internal static class Computations
{
    private const double Kibi = 1024;

    /// <summary>Text that <paramref name="read"/> gives, or <paramref name="otherwise"/> when the API refuses.</summary>
    public static async ValueTask<FieldValue> TryAsync(Func<Task<string>> read, string otherwise)
    {
        try
        {
            return FieldValue.Of(await read());
        }
        catch (XenException)
        {
            return FieldValue.Of(otherwise);
        }
    }

    /// <summary>Members that <paramref name="read"/> gives; none when the API refuses.</summary>
    public static async ValueTask<FieldValue> TrySetAsync(Func<Task<IReadOnlyList<string>>> read, string separator = "; ")
    {
        try
        {
            return FieldValue.Set(await read(), separator);
        }
        catch (XenException)
        {
            return FieldValue.Of("");
        }
    }

    public static async Task<double> SourceAsync(LiveRecord record, string @class, string reference, string source) =>
        ((XenDouble)await record.Api.CallAsync(@class + ".query_data_source", reference, source)).Number;

    /// <summary>A data source that counts bytes per second, in KiB per second.</summary>
    public static ValueTask<FieldValue> RateAsync(LiveRecord record, string @class, string reference, string source) =>
        TryAsync(async () => FieldReader.Fraction(await SourceAsync(record, @class, reference, source) / Kibi), Placeholders.Unknown);

    public static string Text(this LiveRecord record, string field) => record.Values[field]?.ToString() ?? "";

    public static IReadOnlyList<string> Members(this XenStruct values, string field) =>
        values[field] is XenArray array ? [.. array.Items.Select(i => i.ToString()!)] : [];

    /// <summary>Uuids of the objects in a set of references.</summary>
    public static async Task<IReadOnlyList<string>> UuidsAsync(LiveRecord record, string @class, IEnumerable<string> references)
    {
        var uuids = new List<string>();
        foreach (var reference in references)
            uuids.Add(await record.UuidAsync(@class, reference));
        return uuids;
    }

    /// <summary>Names of the objects in a set of references.</summary>
    public static async Task<IReadOnlyList<string>> NamesAsync(LiveRecord record, string @class, IEnumerable<string> references)
    {
        var names = new List<string>();
        foreach (var reference in references)
            names.Add(await record.NameAsync(@class, reference));
        return names;
    }
}
