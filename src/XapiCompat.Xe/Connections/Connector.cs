using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using XapiCompat.Xe.Options;

namespace XapiCompat.Xe.Connections;

/// <summary>
/// Opens connections by the rules of xe: this machine over its local socket or in the clear, others over TLS unless it is
/// off. One port serves every connection of a command.
/// </summary>
internal sealed class Connector(XeOptions options, Surroundings surroundings, Trace trace)
{
    private const int DefaultPort = 80, DefaultTlsPort = 443;

    /// <summary>The connection on which the command runs.</summary>
    /// <exception cref="XeFailure">There is none to be had.</exception>
    public Connection OpenControl() =>
        XeOptions.IsLocal(options.Server) && OpenLocal() is { } local ? local : Open(options.Server);

    /// <summary>A connection to a server over the network.</summary>
    /// <exception cref="XeFailure">There is none to be had.</exception>
    public Connection Open(string server)
    {
        var tls = options.Tls && !XeOptions.IsLocal(server);
        var port = options.Port ?? (tls ? DefaultTlsPort : DefaultPort);
        trace.Line($"Connecting to [{server}] port [{port}]{(tls ? " with TLS" : "")}");
        var host = server is ['[', .., ']'] ? server[1..^1] : server;
        var judge = tls ? new CertificateJudge(options, surroundings, host) : null;
        var socket = Connect(host, port, tls);
        var stream = new NetworkStream(socket, ownsSocket: true);
        return new(socket, judge is null ? stream : Secure(stream, judge));
    }

    private Connection? OpenLocal()
    {
        if (!File.Exists(surroundings.LocalSocket))
            return null;
        var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            socket.Connect(new UnixDomainSocketEndPoint(surroundings.LocalSocket));
            trace.Line($"Connected to the local socket [{surroundings.LocalSocket}]");
            return new(socket, new NetworkStream(socket, ownsSocket: true));
        }
        catch (SocketException error)
        {
            trace.Line($"The local socket [{surroundings.LocalSocket}] cannot be opened: {error.Message}");
            socket.Dispose();
            return null;
        }
    }

    private static Socket Connect(string host, int port, bool tls)
    {
        SocketException? last = null;
        foreach (var address in AddressesOf(host))
        {
            var socket = new Socket(address.AddressFamily, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
            try
            {
                socket.Connect(new IPEndPoint(address, port));
                KeepAlive(socket);
                return socket;
            }
            catch (SocketException error)
            {
                last = error;
                socket.Dispose();
            }
        }

        // The message of the exception itself repeats the address.
        var words = last is null ? "no address" : new SocketException((int)last.SocketErrorCode).Message;
        var reason = $"{host} port {port}: {words}";
        throw tls ? XeFailure.NoContact(reason) : new XeFailure($"Error: {reason}\n");
    }

    private static IPAddress[] AddressesOf(string host)
    {
        if (IPAddress.TryParse(host, out var literal))
            return [literal];
        try
        {
            return Dns.GetHostAddresses(host);
        }
        catch (Exception error) when (error is SocketException or ArgumentException)
        {
            throw new XeFailure($"Host '{host}' not found.\n");
        }
    }

    /// <summary>A server whose machine is gone is noticed within minutes, also while a command says nothing.</summary>
    private static void KeepAlive(Socket socket)
    {
        socket.SetSocketOption(SocketOptionLevel.Socket, SocketOptionName.KeepAlive, true);
        socket.SetSocketOption(SocketOptionLevel.Tcp, SocketOptionName.TcpKeepAliveTime, 60);
        socket.SetSocketOption(SocketOptionLevel.Tcp, SocketOptionName.TcpKeepAliveInterval, 15);
        socket.SetSocketOption(SocketOptionLevel.Tcp, SocketOptionName.TcpKeepAliveRetryCount, 6);
    }

    private SslStream Secure(NetworkStream stream, CertificateJudge judge)
    {
        var tls = new SslStream(stream);
        try
        {
            tls.AuthenticateAsClient(judge.Options);
            trace.Line($"TLS: {tls.SslProtocol}, {tls.NegotiatedCipherSuite}");
            return tls;
        }
        catch (AuthenticationException error) when (judge.Objection is { } objection)
        {
            tls.Dispose();
            trace.Line(error.Message);
            throw new XeFailure($"Error: the certificate of {judge.Host} is not trusted: {objection}\n");
        }
        catch (Exception error) when (error is AuthenticationException or IOException)
        {
            tls.Dispose();
            throw XeFailure.NoContact("TLS: " + (error.InnerException ?? error).Message);
        }
    }
}
