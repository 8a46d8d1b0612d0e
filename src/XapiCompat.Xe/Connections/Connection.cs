using System.Net.Security;
using System.Net.Sockets;

namespace XapiCompat.Xe.Connections;

/// <summary>A connection to a server, with or without TLS; disposing closes it.</summary>
internal sealed class Connection(Socket socket, Stream stream) : IDisposable
{
    public Stream Stream { get; } = stream;

    /// <summary>Says that nothing more will be sent, so that the other side can tell an end from a break.</summary>
    public void FinishSending()
    {
        try
        {
            if (Stream is SslStream tls)
                tls.ShutdownAsync().GetAwaiter().GetResult();
            socket.Shutdown(SocketShutdown.Send);
        }
        catch (Exception error) when (error is IOException or SocketException or ObjectDisposedException)
        {
            // The other side was faster.
        }
    }

    public void Dispose()
    {
        Stream.Dispose();
        socket.Dispose();
    }
}
