using XapiCompat.Store;
using XapiCompat.Values;

namespace XapiCompat.Core.Queries;

/// <summary>Values as text, as the query language and snapshot_metadata compare and hold them.</summary>
public static class QueryText
{
    public static string Of(XenValue value) => value switch
    {
        XenArray array => "(" + string.Join(' ', array.Items.Select(i => Quote(Of(i)))) + ")",
        XenStruct map => "(" + string.Join(' ', map.Names.Select((n, i) => "(" + Quote(n) + " " + Quote(Of(map.Values[i])) + ")")) + ")",
        _ => value.ToString()!,
    };

    /// <summary>A column of a record; <c>_ref</c> is the reference itself. Null when there is no such column.</summary>
    public static string? Column(Record record, string column) =>
        column == "_ref" ? record.Reference
        : record.Class.FindColumn(column) is { } field ? Of(record[field])
        : null;

    /// <summary>An atom of an s-expression: quotes and backslashes are escaped, nothing else.</summary>
    public static string Quote(string text) =>
        "'" + text.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("'", "\\'", StringComparison.Ordinal) + "'";
}
