using Microsoft.AspNetCore.Server.Kestrel.Core;

namespace XapiCompat.Server.Connections;

/// <summary>Server-wide limits. Transfers lift those of body size and data rate for their own request.</summary>
internal static class KestrelLimits
{
    public const long MaxRpcBodyBytes = 64L << 20;

    /// <summary>Encoding goes on while so much waits for the socket; less, and each side waits for the other in turn.</summary>
    public const long ResponseBufferBytes = 512L << 10;

    public static void Apply(KestrelServerOptions kestrel)
    {
        kestrel.AddServerHeader = false;
        var limits = kestrel.Limits;
        limits.MaxConcurrentConnections = 800;
        limits.MaxRequestBodySize = MaxRpcBodyBytes;
        limits.RequestHeadersTimeout = TimeSpan.FromSeconds(30);
        limits.KeepAliveTimeout = TimeSpan.FromSeconds(130);
        limits.MaxRequestBufferSize = 1 << 20;
        limits.MaxResponseBufferSize = ResponseBufferBytes;
    }
}
