using System.Text;

namespace XapiCompat.XeCli.Tests.Support;

/// <summary>A terminal that remembers what a user would see.</summary>
internal sealed class MemoryTerminal : IXeTerminal
{
    private readonly StringBuilder _output = new();
    private readonly StringBuilder _error = new();

    public string Output => _output.ToString();

    public string Error => _error.ToString();

    /// <summary>Lines that the user types.</summary>
    public Queue<string> Typed { get; } = new();

    /// <summary>How many messages came on standard output.</summary>
    public int Prints { get; private set; }

    public Task PrintAsync(string text)
    {
        Prints++;
        _output.Append(text).Append('\n');
        return Task.CompletedTask;
    }

    public Task PrintErrorAsync(string text)
    {
        _error.Append(text);
        return Task.CompletedTask;
    }

    public Task FailAsync(string code, IReadOnlyList<string> parameters) =>
        PrintErrorAsync("Error code: " + code + "\nError parameters: " + string.Join(", ", parameters) + "\n");

    public Task FlushAsync() => Task.CompletedTask;

    public Task<string> PromptAsync() => Typed.TryDequeue(out var line) ? Task.FromResult(line) : throw new IOException("nobody types");

    public Task<byte[]?> LoadAsync(string path) => Task.FromResult<byte[]?>(null);

    public Task<bool> HttpGetAsync(string path, string url) => Task.FromResult(false);

    public Task<bool> HttpPutAsync(string path, string url) => Task.FromResult(false);
}
