using System.Buffers;
using System.IO.Pipelines;
using System.Net.Sockets;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Connections.Features;

namespace XapiCompat.Server.Connections.Uploads;

/// <summary>
/// A connection whose socket is received from only when somebody reads, into the reader's own blocks. What the peer does while
/// nobody reads is seen by the next read or write.
/// </summary>
internal sealed class DirectConnection : DefaultConnectionContext, IConnectionSocketFeature, IMemoryPoolFeature
{
    /// <summary>How long a peer that was told of the end may go on sending before it pauses.</summary>
    private static readonly TimeSpan Quiet = TimeSpan.FromSeconds(1);

    private readonly DirectStream _stream;
    private readonly CancellationTokenSource _closed = new();

    public DirectConnection(Socket socket, MemoryPool<byte> memory, string id)
        : base(id)
    {
        (Socket, MemoryPool) = (socket, memory);
        _stream = new DirectStream(socket, Closed);
        Transport = new DuplexPipe(
            PipeReader.Create(_stream, new(memory, ConnectionMemory.BlockBytes, minimumReadSize: 4096, leaveOpen: true, useZeroByteReads: true)),
            new DirectOutput(PipeWriter.Create(_stream, new(memory, leaveOpen: true))));
        LocalEndPoint = socket.LocalEndPoint;
        RemoteEndPoint = socket.RemoteEndPoint;
        ConnectionClosed = _closed.Token;
        Features.Set<IConnectionSocketFeature>(this);
        Features.Set<IMemoryPoolFeature>(this);
        Features.Set<IReceiveThreadFeature>(_stream);
    }

    public Socket Socket { get; }

    public MemoryPool<byte> MemoryPool { get; }

    public override void Abort(ConnectionAbortedException abortReason)
    {
        _stream.Abort();
        Closed();
    }

    public override async ValueTask DisposeAsync()
    {
        var (input, output) = (Transport.Input, Transport.Output);
        await output.CompleteAsync();
        await input.CompleteAsync();
        if (_stream.EndOutput())
            await DrainAsync();
        _stream.Close();
        Closed();
        await base.DisposeAsync();
    }

    /// <summary>Takes what the peer sends behind its body: a close over unread bytes is a reset, which may overtake the answer.</summary>
    private async ValueTask DrainAsync()
    {
        var input = PipeReader.Create(_stream, new(MemoryPool, ConnectionMemory.BlockBytes, leaveOpen: true));
        await new InputDrain(input, TimeProvider.System).RunAsync(Quiet);
        await input.CompleteAsync();
    }

    /// <summary>Callbacks run on the pool: this is called inside reads and writes.</summary>
    private void Closed() => _ = _closed.CancelAsync();
}
