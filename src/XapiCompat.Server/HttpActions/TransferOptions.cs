using Microsoft.Extensions.Logging.Abstractions;

namespace XapiCompat.Server.HttpActions;

/// <summary>How transfers behave.</summary>
internal sealed record TransferOptions
{
    /// <summary>A transfer in which no byte moves for this long is ended.</summary>
    public TimeSpan IdleTimeout { get; init; } = TimeSpan.FromMinutes(15);

    public TimeProvider Time { get; init; } = TimeProvider.System;

    /// <summary>Null where there is one host only.</summary>
    public Redirects? Redirects { get; init; }

    /// <summary>Where an upload is kept whose format cannot be read forward.</summary>
    public string SpoolDirectory { get; init; } = Path.GetTempPath();

    public ILogger Logger { get; init; } = NullLogger.Instance;
}
