using System.Globalization;
using XapiCompat.Values;

namespace XapiCompat.XeCli.Commands;

/// <summary>Answers of the API as rows that the printer knows.</summary>
public static class Rows
{
    /// <summary>A map, a line for each key.</summary>
    public static IReadOnlyList<KeyValuePair<string, string>> Of(XenStruct map) =>
        [.. map.Names.Zip(map.Values, (name, value) => KeyValuePair.Create(name, Text(value)))];

    public static Task PrintTableAsync(this XeCall call, XenValue map) => call.Printer.TableAsync([Of((XenStruct)map)]);

    public static Task PrintTableAsync(this XeCall call, IReadOnlyList<KeyValuePair<string, string>> row) => call.Printer.TableAsync([row]);

    /// <summary>The items of a set.</summary>
    public static IReadOnlyList<string> Items(XenValue set) => [.. ((XenArray)set).Items.Select(Text)];

    public static string Text(XenValue value) => value switch
    {
        XenDouble number => Number(number.Number),
        XenArray array => string.Join("; ", array.Items.Select(Text)),
        _ => value.ToString()!,
    };

    /// <summary>Twelve digits at most, and a point even behind a whole number, which scripts of long ago expect.</summary>
    public static string Number(double number)
    {
        if (double.IsPositiveInfinity(number))
            return "inf";
        if (double.IsNegativeInfinity(number))
            return "-inf";
        if (double.IsNaN(number))
            return "nan";
        var text = number.ToString("G12", CultureInfo.InvariantCulture);
        return text.AsSpan().IndexOfAny('.', 'E') < 0 ? text + "." : text;
    }

    /// <summary>A measured value: six decimals.</summary>
    public static string Measured(XenValue value) => ((XenDouble)value).Number.ToString("F6", CultureInfo.InvariantCulture);
}
