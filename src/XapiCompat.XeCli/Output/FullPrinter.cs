namespace XapiCompat.XeCli.Output;

/// <summary>Everything as it comes.</summary>
internal sealed class FullPrinter(IXeTerminal terminal) : XePrinter
{
    public override Task LineAsync(string text) => terminal.PrintAsync(text);

    public override async Task ItemsAsync(IEnumerable<string> items)
    {
        foreach (var item in items)
            await terminal.PrintAsync(item);
    }

    public override async Task TableAsync(IReadOnlyList<IReadOnlyList<KeyValuePair<string, string>>> records)
    {
        foreach (var record in records)
            await terminal.PrintAsync(RecordLayout.Format(record));
    }

    public override Task ErrorAsync(string text) => terminal.PrintErrorAsync(text);

    public override Task FinishAsync() => Task.CompletedTask;
}
