namespace XapiCompat.Xe;

/// <summary>What a process gets from outside, apart from its arguments.</summary>
internal sealed class Surroundings
{
    public required IReadOnlyDictionary<string, string> Variables { get; init; }

    public required Stream Input { get; init; }

    public required Stream Output { get; init; }

    public required Stream Error { get; init; }

    /// <summary>Absolute.</summary>
    public required string WorkingDirectory { get; init; }

    /// <summary>Whether settings of the whole process may be changed.</summary>
    public bool OwnsProcess { get; init; }

    /// <summary>Where a management agent on this very machine listens.</summary>
    public string LocalSocket { get; init; } = "/var/lib/xcp/xapi";

    /// <summary>How often a long transfer tells the server that it goes on.</summary>
    public TimeSpan Heartbeat { get; init; } = TimeSpan.FromSeconds(300);

    public string? Variable(string name) => Variables.GetValueOrDefault(name);
}
