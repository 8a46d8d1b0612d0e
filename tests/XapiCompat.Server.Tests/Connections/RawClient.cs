using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Text;

namespace XapiCompat.Server.Tests.Connections;

/// <summary>A client that decides about every byte and every way to leave, clear or over TLS.</summary>
internal sealed class RawClient : IAsyncDisposable
{
    private static readonly TimeSpan HangCap = TimeSpan.FromSeconds(60);

    private readonly CancellationTokenSource _cap = new(HangCap);

    private RawClient(Socket socket, Stream stream) => (Socket, Stream) = (socket, stream);

    public Socket Socket { get; }

    public Stream Stream { get; }

    private CancellationToken Cap => _cap.Token;

    public static async ValueTask<RawClient> ConnectAsync(int port, bool tls, SslProtocols protocols = SslProtocols.None)
    {
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        await socket.ConnectAsync(new IPEndPoint(IPAddress.Loopback, port));
        Stream stream = new NetworkStream(socket, ownsSocket: false);
        if (tls)
        {
            var ssl = new SslStream(stream, leaveInnerStreamOpen: false, (_, certificate, _, _) => certificate is not null);
            using var cap = new CancellationTokenSource(HangCap);
            await ssl.AuthenticateAsClientAsync(
                new SslClientAuthenticationOptions { TargetHost = "localhost", EnabledSslProtocols = protocols }, cap.Token);
            stream = ssl;
        }

        return new RawClient(socket, stream);
    }

    public Task SendAsync(string text) => SendAsync(Encoding.ASCII.GetBytes(text));

    public async Task SendAsync(ReadOnlyMemory<byte> bytes)
    {
        await Stream.WriteAsync(bytes, Cap);
        await Stream.FlushAsync(Cap);
    }

    /// <summary>Ends the sending side only: a FIN, on TLS without a closing message.</summary>
    public void HalfClose()
    {
        try
        {
            Socket.Shutdown(SocketShutdown.Send);
        }
        catch (SocketException e) when (e.SocketErrorCode == SocketError.NotConnected)
        {
            // The server was first and has reset the connection; what it said before can still be read.
        }
    }

    /// <summary>Closes with a reset.</summary>
    public void Reset()
    {
        Socket.LingerState = new LingerOption(true, 0);
        Socket.Close();
    }

    /// <summary>Closes the socket, without any closing message.</summary>
    public void Close() => Socket.Close();

    public async Task<byte[]> ReadToEndAsync()
    {
        var memory = new MemoryStream();
        await Stream.CopyToAsync(memory, Cap);
        return memory.ToArray();
    }

    /// <summary>As text; what arrived before a reset or a missing TLS end mark counts too.</summary>
    public async Task<string> ReadTextAsync()
    {
        var memory = new MemoryStream();
        try
        {
            await Stream.CopyToAsync(memory, Cap);
        }
        catch (IOException)
        {
        }

        return Encoding.Latin1.GetString(memory.ToArray());
    }

    /// <summary>Reads up to and with the empty line.</summary>
    public Task<string> ReadHeadAsync() => ReadUntilAsync("\r\n\r\n");

    /// <summary>Reads up to and with the mark, and not a byte more.</summary>
    public async Task<string> ReadUntilAsync(string mark)
    {
        var text = new StringBuilder();
        var one = new byte[1];
        while (!text.ToString().EndsWith(mark, StringComparison.Ordinal))
        {
            if (await Stream.ReadAsync(one, Cap) == 0)
                throw new IOException("The connection ended behind: " + text);
            text.Append((char)one[0]);
        }

        return text.ToString();
    }

    public async Task<byte[]> ReadExactlyAsync(int count)
    {
        var bytes = new byte[count];
        await Stream.ReadExactlyAsync(bytes, Cap);
        return bytes;
    }

    public async ValueTask DisposeAsync()
    {
        Socket.Dispose();
        await Stream.DisposeAsync();
        _cap.Dispose();
    }
}
