using System.Globalization;
using XapiCompat.Values;
using XapiCompat.XeCli.Tables;

namespace XapiCompat.XeCli.Records;

/// <summary>Values of the API as the command line prints them.</summary>
internal static class FieldReader
{
    public static async ValueTask<FieldValue> ReadAsync(LiveRecord record, RecordField field)
    {
        try
        {
            if (ComputedFields.Find(record.Table, field) is { } compute)
                return await compute(record);
            if (field.Link is null)
                return field.Api is { } api && record.Values[api] is { } value ? await PrintAsync(record, field, value) : FieldValue.Of("");
            var other = await record.LinkedAsync(field.Link);
            return other?[field.LinkedField!] is { } there ? await PrintAsync(record, field, there) : FieldValue.Of(field.Missing);
        }
        catch (XenException e) when (e.Failure.Code == "HANDLE_INVALID")
        {
            return FieldValue.Of(Placeholders.InvalidReference);
        }
    }

    public static string Fraction(double number) => number.ToString("F3", CultureInfo.InvariantCulture);

    private static async ValueTask<FieldValue> PrintAsync(LiveRecord record, RecordField field, XenValue value)
    {
        switch (value)
        {
            case XenArray array:
                var items = new string[array.Items.Count];
                for (var i = 0; i < items.Length; i++)
                    items[i] = await ItemAsync(record, field, array.Items[i]);
                return FieldValue.Set(items, field.Separator);
            case XenStruct map when field.ShowsMap || field.RefersTo is not null:
                return FieldValue.Map(await PairsAsync(record, field, map), field.Separator);
            case XenStruct operations:
                return FieldValue.Set([.. operations.Values.Select(o => EnumTexts.Print(field.Enum ?? "", o.ToString()!))], field.Separator);
            default:
                return FieldValue.Of(await ItemAsync(record, field, value));
        }
    }

    private static async ValueTask<KeyValuePair<string, string>[]> PairsAsync(LiveRecord record, RecordField field, XenStruct map)
    {
        var pairs = new KeyValuePair<string, string>[map.Count];
        for (var i = 0; i < pairs.Length; i++)
        {
            // Only keys are members of an enum, as in blocked operations; values are text or references.
            var key = field.Enum is null ? map.Names[i] : EnumTexts.Print(field.Enum, map.Names[i]);
            var value = field.RefersTo is { } @class ? await record.UuidAsync(@class, map.Values[i].ToString()!) : map.Values[i].ToString()!;
            pairs[i] = KeyValuePair.Create(key, value);
        }

        return pairs;
    }

    private static ValueTask<string> ItemAsync(LiveRecord record, RecordField field, XenValue value) => value switch
    {
        XenDouble number => new(Fraction(number.Number)),
        XenString text when field.RefersTo is { } @class => field.ByName ? record.NameAsync(@class, text.Text) : record.UuidAsync(@class, text.Text),
        XenString text when field.Enum is { } conversion => new(EnumTexts.Print(conversion, text.Text)),
        _ => new(value.ToString()!),
    };
}
