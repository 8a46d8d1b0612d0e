using System.Net.Sockets;
using Microsoft.AspNetCore.Connections;

namespace XapiCompat.Server.Connections.Uploads;

/// <summary>
/// The bytes of a socket. A read on a <see cref="ReceiveThread"/> blocks it; any other waits without a thread.
/// </summary>
internal sealed class DirectStream : Stream, IReceiveThreadFeature
{
    /// <summary>How often a blocked read looks whether it was cancelled.</summary>
    private static readonly TimeSpan Look = TimeSpan.FromMilliseconds(100);

    private readonly Socket _socket;
    private readonly Action _ended;
    private volatile bool _aborted;

    /// <param name="ended">Called at the end of input and when the connection fails, each time it is met.</param>
    public DirectStream(Socket socket, Action ended)
    {
        (_socket, _ended) = (socket, ended);
        _socket.Blocking = false;
    }

    public override bool CanRead => true;

    public override bool CanWrite => true;

    public override bool CanSeek => false;

    public override long Length => throw new NotSupportedException();

    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    public Task<T> RunAsync<T>(Func<ValueTask<T>> work) => ReceiveThread.RunAsync(work);

    public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        if (!ReceiveThread.IsCurrent)
            return WaitForAsync(buffer, cancellationToken);
        return new(buffer.IsEmpty ? 0 : Receive(buffer.Span, cancellationToken));
    }

    public override async ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
    {
        try
        {
            while (!buffer.IsEmpty)
                buffer = buffer[await _socket.SendAsync(buffer, SocketFlags.None, cancellationToken)..];
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            throw Failed(e);
        }
    }

    public override Task FlushAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public override void Flush()
    {
    }

    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    /// <summary>Ends the connection with a reset; reads and writes under way fail.</summary>
    public void Abort()
    {
        _aborted = true;
        try
        {
            _socket.LingerState = new LingerOption(true, 0);
            // Wakes a thread that waits in a poll, which a close alone does not.
            _socket.Shutdown(SocketShutdown.Receive);
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            // It has ended already.
        }

        _socket.Dispose();
    }

    /// <summary>Tells the peer that nothing more comes. False when the connection has ended already.</summary>
    public bool EndOutput()
    {
        try
        {
            _socket.Shutdown(SocketShutdown.Send);
            return true;
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            return false;
        }
    }

    public new void Close() => _socket.Dispose();

    private async ValueTask<int> WaitForAsync(Memory<byte> buffer, CancellationToken cancellationToken)
    {
        try
        {
            var count = await _socket.ReceiveAsync(buffer, SocketFlags.None, cancellationToken);
            return Received(count, buffer.IsEmpty);
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            throw Failed(e);
        }
    }

    private int Receive(Span<byte> buffer, CancellationToken cancellationToken)
    {
        try
        {
            while (true)
            {
                cancellationToken.ThrowIfCancellationRequested();
                var count = _socket.Receive(buffer, SocketFlags.None, out var error);
                if (error == SocketError.Success)
                    return Received(count, asked: false);
                if (error != SocketError.WouldBlock)
                    throw new SocketException((int)error);
                _socket.Poll(Look, SelectMode.SelectRead);
            }
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            throw Failed(e);
        }
    }

    private int Received(int count, bool asked)
    {
        if (count == 0 && !asked)
            _ended();
        return count;
    }

    private Exception Failed(Exception e)
    {
        _ended();
        return _aborted ? new ConnectionAbortedException("The connection was cut here.", e) : new ConnectionResetException(e.Message, e);
    }
}
