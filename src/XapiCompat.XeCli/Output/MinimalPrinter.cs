namespace XapiCompat.XeCli.Output;

/// <summary>For scripts: values only, in one line, which comes even when it is empty.</summary>
internal sealed class MinimalPrinter(IXeTerminal terminal) : XePrinter
{
    /// <summary>One string for each list and table; they print in reverse order.</summary>
    private readonly List<string> _groups = [];

    public override Task LineAsync(string text) => Task.CompletedTask;

    public override Task ItemsAsync(IEnumerable<string> items)
    {
        _groups.Add(string.Join(',', items.Select(RecordLayout.Escape)));
        return Task.CompletedTask;
    }

    public override Task TableAsync(IReadOnlyList<IReadOnlyList<KeyValuePair<string, string>>> records)
    {
        if (records.Count > 0 && records.All(r => r.Count > 0))
            _groups.Add(string.Join(',', records.Select(r => RecordLayout.Escape(r[0].Value))));
        return Task.CompletedTask;
    }

    public override Task ErrorAsync(string text) => Task.CompletedTask;

    public override Task FinishAsync() => terminal.PrintAsync(string.Join(',', Enumerable.Reverse(_groups)));
}
