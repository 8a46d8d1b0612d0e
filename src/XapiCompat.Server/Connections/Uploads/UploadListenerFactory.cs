using System.Net;
using System.Net.Sockets;
using System.Runtime.CompilerServices;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;
using Microsoft.Extensions.Options;

namespace XapiCompat.Server.Connections.Uploads;

/// <summary>
/// Takes the place of Kestrel's socket transport on IP endpoints: a connection that begins with an upload is received without
/// the transport's pipe, whose changes of threads cost a third of an upload. All others are the transport's.
/// </summary>
internal sealed class UploadListenerFactory(IOptions<SocketTransportOptions> options, ILoggerFactory logging, IMemoryPoolFactory<byte> memory)
    : IConnectionListenerFactory, IConnectionListenerFactorySelector
{
    private readonly SocketTransportOptions _options = options.Value;

    public bool CanBind(EndPoint endpoint) => endpoint is IPEndPoint;

    public ValueTask<IConnectionListener> BindAsync(EndPoint endpoint, CancellationToken cancellationToken = default)
    {
        var socket = Bind(endpoint);
        var ordinary = new SocketConnectionContextFactory(OfTransport(), logging.CreateLogger("XapiCompat.Connections"));
        return new(new UploadListener(socket, _options.NoDelay, ordinary, memory.Create()));
    }

    private Socket Bind(EndPoint endpoint)
    {
        Socket? socket = null;
        try
        {
            socket = _options.CreateBoundListenSocket(endpoint);
            socket.Listen(_options.Backlog);
            return socket;
        }
        catch (SocketException e)
        {
            socket?.Dispose();
            if (e.SocketErrorCode == SocketError.AddressAlreadyInUse)
                throw new AddressInUseException(e.Message, e);
            throw;
        }
    }

    private SocketConnectionFactoryOptions OfTransport()
    {
        var own = new SocketConnectionFactoryOptions
        {
            IOQueueCount = _options.IOQueueCount,
            MaxReadBufferSize = _options.MaxReadBufferSize,
            MaxWriteBufferSize = _options.MaxWriteBufferSize,
            WaitForDataBeforeAllocatingBuffer = _options.WaitForDataBeforeAllocatingBuffer,
            UnsafePreferInlineScheduling = _options.UnsafePreferInlineScheduling,
        };
        try
        {
            SetMemoryPoolFactory(own, memory);
        }
        catch (MissingMethodException)
        {
            // Another version of the transport: its small blocks are slower, and that is all.
        }

        return own;
    }

    // The transport hands its memory on to the connections it makes itself, and has no public way for those made by others.
    [UnsafeAccessor(UnsafeAccessorKind.Method, Name = "set_MemoryPoolFactory")]
    private static extern void SetMemoryPoolFactory(SocketConnectionFactoryOptions options, IMemoryPoolFactory<byte> factory);
}
