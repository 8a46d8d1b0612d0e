namespace XapiCompat.XeCli.Output;

/// <summary>
/// What commands print. With <c>--minimal</c> plain lines are dropped, lists and tables shrink to comma separated values,
/// and everything goes out in one piece at the end.
/// </summary>
public abstract class XePrinter
{
    /// <summary>A plain line; dropped by <c>--minimal</c>.</summary>
    public abstract Task LineAsync(string text);

    /// <summary>Values on a line each; joined with commas by <c>--minimal</c>. A single new uuid is a list of one.</summary>
    public abstract Task ItemsAsync(IEnumerable<string> items);

    public Task ItemAsync(string item) => ItemsAsync([item]);

    /// <summary>Records of printed fields; <c>--minimal</c> keeps the first field of each.</summary>
    public abstract Task TableAsync(IReadOnlyList<IReadOnlyList<KeyValuePair<string, string>>> records);

    /// <summary>Text on standard error, as it is.</summary>
    public abstract Task ErrorAsync(string text);

    /// <summary>Sends what was held back; once, at the end of a command that succeeded.</summary>
    public abstract Task FinishAsync();
}
