namespace XapiCompat.XeCli.Tables;

/// <summary>A command as its table row has it.</summary>
/// <param name="Required">Names of parameters without which the command does not start.</param>
/// <param name="Optional">Names of the others; one that ends in a colon or dash is the prefix of a map.</param>
/// <param name="LocalSession">It logs in where the database of the pool may be away.</param>
/// <param name="Priority">1 is first; 0 is none.</param>
/// <param name="Help">What it does, in a sentence; null when nobody wrote it.</param>
public sealed record CommandRow(
    string Name, IReadOnlyList<string> Required, IReadOnlyList<string> Optional, IReadOnlySet<string> Flags, bool LocalSession, int Priority, string? Help)
{
    /// <summary>The generated command that this row is; null for a fixed one.</summary>
    public GeneratedCommand? Generated { get; init; }

    /// <summary>What this server lacks to run it; null when it runs.</summary>
    public string? Missing { get; init; }

    public bool Standard => Flags.Contains("standard");

    public bool Hidden => Flags.Contains("hidden");

    /// <summary>What selects the objects that it acts on: <c>vm</c>, <c>host</c>, <c>sr</c> or null.</summary>
    public string? Selectors =>
        Flags.Contains("vm_selectors") ? "vm" : Flags.Contains("host_selectors") ? "host" : Flags.Contains("sr_selectors") ? "sr" : null;
}
