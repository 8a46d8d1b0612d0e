namespace XapiCompat.Server.Cli;

/// <summary>How much a thin client may send, and how long it may take.</summary>
internal sealed record CliLimits
{
    /// <summary>Bytes of the command line.</summary>
    public int MaxBody { get; init; } = 204_800;

    /// <summary>Bytes of a file that a command reads.</summary>
    public int MaxFile { get; init; } = 33_554_432;

    /// <summary>Bytes of a line that the user types.</summary>
    public int MaxLine { get; init; } = 65_536;

    /// <summary>From the head of the request to the end of the greeting.</summary>
    public TimeSpan Begin { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>A file or a transfer without any sign of life; clients give one each five minutes.</summary>
    public TimeSpan Silence { get; init; } = TimeSpan.FromMinutes(16);

    /// <summary>A transfer of a client that is too old to give signs.</summary>
    public TimeSpan SilenceOfOldClients { get; init; } = TimeSpan.FromHours(24);

    /// <summary>A question that the user does not answer.</summary>
    public TimeSpan Thinking { get; init; } = TimeSpan.FromHours(1);

    /// <summary>Output that the client does not take.</summary>
    public TimeSpan Stalled { get; init; } = TimeSpan.FromHours(1);
}
