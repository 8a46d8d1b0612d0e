using XapiCompat.Values;

namespace XapiCompat.XeCli.Records;

/// <summary>One object as the record tables print it.</summary>
public abstract class XeRecord
{
    public abstract string Reference { get; }

    /// <summary>The record of the API behind it, as it was when it was fetched.</summary>
    public abstract XenStruct Values { get; }

    /// <summary>Printed text of a field, under its name on the command line.</summary>
    /// <exception cref="XeUnknownFieldException">The table has no such field.</exception>
    public abstract Task<string> TextAsync(string field);

    /// <summary>Printed members of a set; none for other fields.</summary>
    public abstract Task<IReadOnlyList<string>> ItemsAsync(string field);

    /// <summary>Printed pairs of a map; none for other fields.</summary>
    public abstract Task<IReadOnlyList<KeyValuePair<string, string>>> PairsAsync(string field);

    /// <summary>
    /// Printed names (with tags) and texts, in the order of the table; unknown names are left out. No name, or only <c>all</c>, is every
    /// field that is not hidden.
    /// </summary>
    /// <param name="expensive">Values that cost calls of their own; lists print a placeholder instead.</param>
    public abstract Task<IReadOnlyList<KeyValuePair<string, string>>> PrintAsync(IEnumerable<string> fields, bool expensive = true);
}
