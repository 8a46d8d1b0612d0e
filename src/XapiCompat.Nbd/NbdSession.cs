using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using XapiCompat.Nbd.Sessions;

namespace XapiCompat.Nbd;

/// <summary>One connection from greeting to end.</summary>
public static class NbdSession
{
    /// <summary>
    /// Serves a client until it leaves, breaks the protocol, its export ends or <paramref name="stopping"/> is cancelled;
    /// requests that were read are answered first. Whatever the client does, this returns normally and has closed what it
    /// opened; other exceptions are the caller's own. The stream stays the caller's.
    /// </summary>
    public static async Task RunAsync(Stream stream, INbdExports exports, NbdSessionOptions options, CancellationToken stopping)
    {
        Stream current = stream;
        try
        {
            await using var handshake = new Handshake(stream, exports, options);
            using (var limit = new CancellationTokenSource(options.HandshakeTimeout, options.Time))
            using (var both = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, stopping))
            {
                var chosen = await handshake.RunAsync(both.Token);
                current = handshake.Stream;
                if (!chosen)
                    return;
            }

            using var ending = CancellationTokenSource.CreateLinkedTokenSource(stopping, handshake.Export!.Ending);
            using var transmission = new Transmission(handshake.Stream, handshake.Input, handshake.Export, handshake.Agreed, options);
            await transmission.RunAsync(ending.Token);
        }
        catch (Exception e) when (e is IOException or OperationCanceledException or SocketException or AuthenticationException or ObjectDisposedException or NbdDisconnect)
        {
            // The client is gone, too slow or talks something else: the end of the connection says enough.
        }
        finally
        {
            if (current is SslStream tls)
                await tls.DisposeAsync();
        }
    }
}
