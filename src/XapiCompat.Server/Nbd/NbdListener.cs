using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography.X509Certificates;
using XapiCompat.Core.Dispatch;
using XapiCompat.Core.Exports;
using XapiCompat.Nbd;

namespace XapiCompat.Server.Nbd;

/// <summary>Accepts NBD clients and serves them; how is decided for each by the purposes of the pool's networks at that moment.</summary>
internal sealed class NbdListener : IAsyncDisposable
{
    /// <summary>More clients than this, whatever they do, are turned away.</summary>
    private const int MostConnections = 256;

    /// <summary>About a piece: what waits in the socket is then still in the processor's cache when it is sent, which doubles the speed.</summary>
    private const int SendBuffer = 208 << 10;

    private readonly NbdServices _services;
    private readonly NbdSessionOptions _options;
    private readonly ServerLog _log;
    private readonly CancellationTokenSource _stopping = new();
    private readonly List<Socket> _sockets = [];
    private readonly ConcurrentDictionary<Task, byte> _connections = new();
    private readonly List<Task> _acceptors;
    private int _count;

    private NbdListener(NbdServices services, NbdSessionOptions options, ServerLog log, List<Socket> sockets)
    {
        _services = services;
        _options = options;
        _log = log;
        _sockets = sockets;
        _acceptors = [.. sockets.Select(AcceptAsync)];
    }

    /// <summary>Of the first address.</summary>
    public IPEndPoint Endpoint => (IPEndPoint)_sockets[0].LocalEndPoint!;

    /// <summary>Connections under way.</summary>
    public int Connections => _connections.Count;

    /// <summary>Listens; throws <see cref="SocketException"/> when an address is taken.</summary>
    public static NbdListener Start(
        IEnumerable<IPEndPoint> endpoints, NbdServices services, Func<X509Certificate2> certificate, TimeProvider clock, ServerLog log)
    {
        var sockets = new List<Socket>();
        try
        {
            foreach (var endpoint in endpoints)
            {
                var socket = new Socket(endpoint.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
                sockets.Add(socket);
                socket.Bind(endpoint);
                socket.Listen();
            }
        }
        catch
        {
            sockets.ForEach(s => s.Dispose());
            throw;
        }

        return new(services, new() { Certificate = certificate, Time = clock, ErrorOf = NbdErrors.OfDevice }, log, sockets);
    }

    /// <summary>Requests that have been read are answered first.</summary>
    public async ValueTask DisposeAsync()
    {
        await _stopping.CancelAsync();
        _sockets.ForEach(s => s.Dispose());
        await Task.WhenAll(_acceptors);
        await Task.WhenAll(_connections.Keys);
        _stopping.Dispose();
    }

    private async Task AcceptAsync(Socket listener)
    {
        await Task.Yield();
        while (!_stopping.IsCancellationRequested)
        {
            Socket client;
            try
            {
                client = await listener.AcceptAsync(_stopping.Token);
            }
            catch (Exception e) when (e is OperationCanceledException or ObjectDisposedException)
            {
                return;
            }
            catch (SocketException)
            {
                // The client was gone before it was accepted, or there are no descriptors left at this moment.
                await Task.Delay(TimeSpan.FromMilliseconds(20), _options.Time);
                continue;
            }

            var connection = ServeAsync(client);
            _connections.TryAdd(connection, 0);
            _ = connection.ContinueWith(done => _connections.TryRemove(done, out _), CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
        }
    }

    private async Task ServeAsync(Socket client)
    {
        await Task.Yield();
        try
        {
            using (client)
            {
                if (Interlocked.Increment(ref _count) > MostConnections)
                    return;
                var requiresTls = NbdPurposes.RequiresTls(_services.Store);
                if (requiresTls is null && !_services.Live.Any)
                    return;
                client.NoDelay = true;
                client.SendBufferSize = SendBuffer;
                KeepAlive(client);
                var origin = new CallOrigin(((IPEndPoint)client.RemoteEndPoint!).Address.ToString());
                await using var stream = new NetworkStream(client, ownsSocket: false);
                var options = _options with { Tls = requiresTls == true ? NbdTlsMode.Required : NbdTlsMode.Offered };
                await NbdSession.RunAsync(stream, new ConnectionExports(_services, requiresTls is not null, origin), options, _stopping.Token);
                client.Shutdown(SocketShutdown.Both);
            }
        }
        catch (Exception e) when (e is SocketException or IOException or ObjectDisposedException)
        {
        }
        catch (Exception e)
        {
            _log.Unexpected("NBD connection", e);
        }
        finally
        {
            Interlocked.Decrement(ref _count);
        }
    }

    /// <summary>A client that vanished without a word is found out within minutes.</summary>
    private static void KeepAlive(Socket client)
    {
        client.SetSocketOption(SocketOptionLevel.Socket, SocketOptionName.KeepAlive, true);
        client.SetSocketOption(SocketOptionLevel.Tcp, SocketOptionName.TcpKeepAliveTime, 60);
        client.SetSocketOption(SocketOptionLevel.Tcp, SocketOptionName.TcpKeepAliveInterval, 15);
        client.SetSocketOption(SocketOptionLevel.Tcp, SocketOptionName.TcpKeepAliveRetryCount, 4);
    }
}
