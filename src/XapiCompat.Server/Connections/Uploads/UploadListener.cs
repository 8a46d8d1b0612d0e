using System.Buffers;
using System.Net;
using System.Net.Sockets;
using System.Threading.Channels;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;

namespace XapiCompat.Server.Connections.Uploads;

/// <summary>Accepts sockets and looks at their first bytes, which stay unread, to choose who receives.</summary>
internal sealed class UploadListener : IConnectionListener
{
    /// <summary>A connection that says nothing for so long is the transport's: its idle timers are Kestrel's.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(1);

    /// <summary>Connections whose first bytes are waited for; with more of them nobody is waited for.</summary>
    private const int MostWaiting = 256;

    private static readonly TimeSpan RoomCheck = TimeSpan.FromMilliseconds(100);

    private readonly Socket _socket;
    private readonly bool _noDelay;
    private readonly SocketConnectionContextFactory _ordinary;
    private readonly MemoryPool<byte> _memory;
    private readonly Channel<ConnectionContext> _ready = Channel.CreateUnbounded<ConnectionContext>();
    private readonly CancellationTokenSource _unbound = new();
    private readonly Task _accepting;
    private int _waiting;
    private long _count;

    public UploadListener(Socket socket, bool noDelay, SocketConnectionContextFactory ordinary, MemoryPool<byte> memory)
    {
        (_socket, _noDelay, _ordinary, _memory) = (socket, noDelay, ordinary, memory);
        EndPoint = socket.LocalEndPoint!;
        _accepting = AcceptAllAsync();
    }

    public EndPoint EndPoint { get; }

    public async ValueTask<ConnectionContext?> AcceptAsync(CancellationToken cancellationToken = default) =>
        await _ready.Reader.WaitToReadAsync(cancellationToken) && _ready.Reader.TryRead(out var connection) ? connection : null;

    public async ValueTask UnbindAsync(CancellationToken cancellationToken = default)
    {
        await _unbound.CancelAsync();
        _socket.Dispose();
        await _accepting;
    }

    public async ValueTask DisposeAsync()
    {
        await UnbindAsync();
        while (_ready.Reader.TryRead(out var left))
            await left.DisposeAsync();
        _ordinary.Dispose();
        _memory.Dispose();
    }

    private async Task AcceptAllAsync()
    {
        while (!_unbound.IsCancellationRequested)
        {
            try
            {
                _ = AdmitAsync(await _socket.AcceptAsync(_unbound.Token));
            }
            catch (SocketException e) when (!_unbound.IsCancellationRequested)
            {
                // The client left before it was accepted; or there is no room for another, and trying again at once only burns time.
                if (e.SocketErrorCode == SocketError.TooManyOpenSockets)
                    await Task.Delay(RoomCheck);
            }
            catch (Exception e) when (e is SocketException or OperationCanceledException or ObjectDisposedException)
            {
                break;
            }
        }

        _ready.Writer.TryComplete();
    }

    private async Task AdmitAsync(Socket socket)
    {
        try
        {
            if (_noDelay)
                socket.NoDelay = true;
            await FirstBytesAsync(socket);
            var connection = UploadPeek.BeginsUpload(socket)
                ? new DirectConnection(socket, _memory, $"upload-{Interlocked.Increment(ref _count)}")
                : _ordinary.Create(socket);
            if (!_ready.Writer.TryWrite(connection))
                await connection.DisposeAsync();
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            socket.Dispose();
        }
    }

    private async ValueTask FirstBytesAsync(Socket socket)
    {
        if (socket.Available > 0 || Volatile.Read(ref _waiting) >= MostWaiting)
            return;
        Interlocked.Increment(ref _waiting);
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(_unbound.Token);
        limit.CancelAfter(Patience);
        try
        {
            await socket.ReceiveAsync(Memory<byte>.Empty, SocketFlags.None, limit.Token);
        }
        catch (OperationCanceledException)
        {
            // It has shown nothing.
        }
        finally
        {
            Interlocked.Decrement(ref _waiting);
        }
    }
}
