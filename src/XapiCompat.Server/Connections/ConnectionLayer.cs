using System.Net.Security;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Https;

namespace XapiCompat.Server.Connections;

/// <summary>Puts the middlewares in the order in which bytes meet them: watch, TLS, router, HTTP.</summary>
internal static class ConnectionLayer
{
    /// <param name="certificate">Asked at each handshake; null for a clear listener.</param>
    public static ListenOptions UseXapiConnectionLayer(
        this ListenOptions listener, Func<X509Certificate2>? certificate, RawRequestHandlers handlers, ConnectionLayerOptions options)
    {
        listener.Protocols = HttpProtocols.Http1;
        listener.Use(next => connection => TransportWatch.RunAsync(connection, next));
        if (certificate is not null)
            listener.UseHttps(Https(certificate, options));
        var router = new FirstRequestRouter(handlers, options);
        listener.Use(next => connection => router.RunAsync(connection, next));
        return listener;
    }

    private static HttpsConnectionAdapterOptions Https(Func<X509Certificate2> certificate, ConnectionLayerOptions options) => new()
    {
        ServerCertificateSelector = (_, _) => certificate(),
        SslProtocols = SslProtocols.Tls12 | SslProtocols.Tls13,
        HandshakeTimeout = options.HandshakeTimeout,
        // Clients that offer nothing but HTTP/1.0 are refused in the handshake otherwise.
        OnAuthenticate = static (_, tls) => (tls.ApplicationProtocols ??= []).Add(new SslApplicationProtocol("http/1.0")),
    };
}
