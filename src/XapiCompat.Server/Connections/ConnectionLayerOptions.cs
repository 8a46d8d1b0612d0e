namespace XapiCompat.Server.Connections;

/// <summary>Time and size limits of the connection layer.</summary>
internal sealed record ConnectionLayerOptions
{
    /// <summary>How long a connection may stay undecided before its first request; Kestrel's own timers start after it.</summary>
    public TimeSpan PeekTimeout { get; init; } = TimeSpan.FromSeconds(10);

    public TimeSpan HandshakeTimeout { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>How long a TLS client may take to accept the end mark of a connection.</summary>
    public TimeSpan CloseNotifyTimeout { get; init; } = TimeSpan.FromSeconds(2);

    /// <summary>The clock of all timers here.</summary>
    public TimeProvider Time { get; init; } = TimeProvider.System;
}
