using System.Text;

namespace XapiCompat.XeCli.Output;

/// <summary>How one record looks: names in one column, the first on its left edge and the others on its right.</summary>
internal static class RecordLayout
{
    private const int Margin = 4;

    /// <summary>Lines of the record, each ended, and an empty one.</summary>
    public static string Format(IReadOnlyList<KeyValuePair<string, string>> record)
    {
        var width = Margin + record.Select(f => f.Key.Length).DefaultIfEmpty(0).Max();
        var text = new StringBuilder();
        foreach (var (name, value) in record)
            text.Append(text.Length == 0 ? name.PadRight(width) : name.PadLeft(width)).Append(": ").Append(value).Append('\n');
        if (record.Count == 0)
            text.Append('\n');
        return text.Append('\n').ToString();
    }

    /// <summary>Values that a comma joins must not look like two.</summary>
    public static string Escape(string value) =>
        value.Replace("\\", "\\\\", StringComparison.Ordinal).Replace(",", "\\,", StringComparison.Ordinal);
}
