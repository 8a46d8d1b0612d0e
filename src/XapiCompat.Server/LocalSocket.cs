using System.Net.Sockets;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;

namespace XapiCompat.Server;

/// <summary>
/// A listener on a file. Only its owner can open it, so whoever comes through is trusted: HTTP without a password, for
/// tools that run on the host itself.
/// </summary>
internal static class LocalSocket
{
    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    public static bool IsTrusted(HttpContext http) => http.Features.Get<TrustedPeer>() is not null;

    public static bool IsTrusted(ConnectionContext connection) => connection.Features.Get<TrustedPeer>() is not null;

    /// <summary>A request that does not come through Kestrel is as trusted as its connection.</summary>
    public static void Pass(ConnectionContext connection, IFeatureCollection features)
    {
        if (connection.Features.Get<TrustedPeer>() is { } peer)
            features.Set(peer);
    }

    /// <summary>Closes the file to others before anybody can connect: sockets accept nobody between bind and listen.</summary>
    public static void Guard(WebApplicationBuilder builder) => builder.WebHost.UseSockets(sockets => sockets.CreateBoundListenSocket = endpoint =>
    {
        var socket = SocketTransportOptions.CreateDefaultBoundListenSocket(endpoint);
        if (endpoint is UnixDomainSocketEndPoint)
            File.SetUnixFileMode(endpoint.ToString()!, OwnerOnly);
        return socket;
    });

    public static void Listen(KestrelServerOptions kestrel, string path, Action<ListenOptions> configure)
    {
        var full = Path.GetFullPath(path);
        Clear(full);
        kestrel.ListenUnixSocket(full, listener =>
        {
            listener.Use(next => connection =>
            {
                connection.Features.Set(TrustedPeer.Instance);
                return next(connection);
            });
            configure(listener);
        });
    }

    public static void Remove(string path)
    {
        try
        {
            File.Delete(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // The next start clears it.
        }
    }

    /// <summary>Takes away what a killed server left; whatever else lies there is refused.</summary>
    private static void Clear(string path)
    {
        if (!File.Exists(path))
            return;
        using var probe = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            probe.Connect(new UnixDomainSocketEndPoint(path));
            throw new StartFailure("cannot listen on " + path + ": another server does");
        }
        catch (SocketException e) when (e.SocketErrorCode == SocketError.ConnectionRefused && new FileInfo(path).Length == 0)
        {
            File.Delete(path);
        }
        catch (SocketException e)
        {
            throw new StartFailure("cannot listen on " + path + ": " + e.Message);
        }
        catch (ArgumentException e)
        {
            throw new StartFailure("cannot listen on " + path + ": " + e.Message);
        }
    }

    private sealed class TrustedPeer
    {
        public static TrustedPeer Instance { get; } = new();
    }
}
