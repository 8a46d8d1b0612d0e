using XapiCompat.Datamodel;
using XapiCompat.XeCli.Commands;
using XapiCompat.XeCli.Tables;

namespace XapiCompat.XeCli.Tests.Support;

/// <summary>Runs command lines against a <see cref="FakeApi"/>.</summary>
internal sealed class Xe
{
    private static readonly Lazy<XeCommandTable> Table = new(() => CommandClasses.Bind(XeTables.Load(Model.Load())));

    public static XeTables Tables => Table.Value.Tables;

    public static XeCommandTable Commands => Table.Value;

    public FakeApi Api { get; } = new(Tables.Model);

    public bool Trusted { get; set; }

    public string Credentials { get; set; } = "username=root\npassword=secret";

    public MemoryTerminal Terminal { get; private set; } = new();

    /// <summary>Calls that the last command made, without logging in and out.</summary>
    public IEnumerable<string> Calls => Api.Calls.Where(c => !c.StartsWith("session.", StringComparison.Ordinal));

    public async Task<XeResult> RunAsync(params IReadOnlyList<string> arguments)
    {
        Terminal = new();
        Api.Calls.Clear();
        return await ContinueAsync(Terminal, arguments);
    }

    public async Task<XeResult> ContinueAsync(MemoryTerminal terminal, IReadOnlyList<string> arguments)
    {
        var interpreter = new XeInterpreter(Table.Value, TimeProvider.System);
        var code = await interpreter.RunAsync(new(string.Join('\n', [.. arguments, Credentials]), Api.InvokeAsync, Trusted), terminal, CancellationToken.None);
        return new(terminal.Output, terminal.Error, code);
    }
}

internal sealed record XeResult(string Output, string Error, int Code);
