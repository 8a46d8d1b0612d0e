using System.Security.Cryptography.X509Certificates;
using XapiCompat.Nbd.Protocol;

namespace XapiCompat.Nbd;

/// <summary>How sessions behave.</summary>
public sealed record NbdSessionOptions
{
    public NbdTlsMode Tls { get; init; }

    /// <summary>Asked at each TLS handshake; null: there is no TLS.</summary>
    public Func<X509Certificate2>? Certificate { get; init; }

    /// <summary>How long a client may take from its first byte until it has chosen an export.</summary>
    public TimeSpan HandshakeTimeout { get; init; } = TimeSpan.FromSeconds(10);

    public TimeProvider Time { get; init; } = TimeProvider.System;

    /// <summary>The error that a client sees when the device throws.</summary>
    public Func<Exception, NbdError> ErrorOf { get; init; } = DefaultError;

    /// <summary>ENOSPC for a full disk or quota, else EIO.</summary>
    public static NbdError DefaultError(Exception exception) =>
        exception is IOException && (exception.HResult & 0xFFFF) is 28 or 122 ? NbdError.NoSpc : NbdError.Io;
}
