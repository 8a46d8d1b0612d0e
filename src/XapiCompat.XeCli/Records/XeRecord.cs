namespace XapiCompat.XeCli.Records;

/// <summary>One object as the record tables print it.</summary>
public abstract class XeRecord
{
    public abstract string Reference { get; }

    /// <summary>Printed text of a field, under its name on the command line.</summary>
    public abstract Task<string> TextAsync(string field);

    /// <summary>Printed names (with tags) and texts, in the order of the table; unknown names are left out.</summary>
    public abstract Task<IReadOnlyList<KeyValuePair<string, string>>> PrintAsync(IEnumerable<string> fields);
}
