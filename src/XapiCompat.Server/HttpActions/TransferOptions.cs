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

    public ILogger Logger { get; init; } = NullLogger.Instance;
}
