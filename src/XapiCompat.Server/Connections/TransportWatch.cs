using System.Diagnostics.CodeAnalysis;
using System.Net.Sockets;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Connections.Features;

namespace XapiCompat.Server.Connections;

/// <summary>
/// Gives <c>ConnectionContext.ConnectionClosed</c> the meaning "the peer is really gone". The transport fires it
/// on a mere end of input, and HTTP would then drop the answers of clients that half-close after their request.
/// Stands before TLS: only there a failed send is seen.
/// </summary>
[SuppressMessage("Reliability", "CA1001", Justification = "Callbacks of the sources may still be queued when the connection ends.")]
internal sealed class TransportWatch : IInputEndedFeature
{
    private const int TcpLevel = 6;
    private const int TcpInfo = 11;
    private const byte CloseWait = 8;

    private readonly CancellationTokenSource _gone = new();
    private readonly CancellationTokenSource _inputEnded = new();
    private readonly Socket? _socket;

    private TransportWatch(ConnectionContext connection) =>
        _socket = connection.Features.Get<IConnectionSocketFeature>()?.Socket;

    public CancellationToken InputEnded => _inputEnded.Token;

    public static async Task RunAsync(ConnectionContext connection, ConnectionDelegate next)
    {
        var watch = new TransportWatch(connection);
        var transport = connection.Transport;
        var transportClosed = connection.ConnectionClosed;
        connection.Features.Set<IInputEndedFeature>(watch);
        connection.Transport = new DuplexPipe(transport.Input, new WatchedOutput(transport.Output, watch.PeerIsGone));
        connection.ConnectionClosed = watch._gone.Token;
        var registration = transportClosed.UnsafeRegister(static state => ((TransportWatch)state!).OnTransportClosed(), watch);
        try
        {
            await next(connection);
        }
        finally
        {
            await registration.DisposeAsync();
            connection.Transport = transport;
            connection.ConnectionClosed = transportClosed;
            // Frees what others have registered on the tokens.
            watch.PeerIsGone();
        }
    }

    private void OnTransportClosed()
    {
        if (OnlyInputEnded())
            _ = _inputEnded.CancelAsync();
        else
            PeerIsGone();
    }

    /// <summary>Callbacks run on the pool: this is called inside flushes, under locks of the HTTP layer.</summary>
    private void PeerIsGone()
    {
        _ = _gone.CancelAsync();
        _ = _inputEnded.CancelAsync();
    }

    /// <summary>
    /// The kernel tells an end mark (CLOSE_WAIT) from a reset. Where it cannot be asked, an end mark is assumed; a failed
    /// send tells the rest.
    /// </summary>
    private bool OnlyInputEnded()
    {
        if (!OperatingSystem.IsLinux() || _socket is null || _socket.ProtocolType != ProtocolType.Tcp)
            return true;
        try
        {
            Span<byte> info = stackalloc byte[8];
            var length = _socket.GetRawSocketOption(TcpLevel, TcpInfo, info);
            return length > 0 && info[0] == CloseWait;
        }
        catch (SocketException)
        {
            return false;
        }
        catch (ObjectDisposedException)
        {
            return false;
        }
    }
}
