using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using FluentAssertions;
using XapiCompat.Wire.XeCli;

namespace XapiCompat.Xe.Tests.Support;

/// <summary>A listener whose connections a test takes one by one.</summary>
internal sealed class ScriptedServer : IDisposable
{
    private readonly Socket _listener;
    private readonly SslServerAuthenticationOptions? _tls;
    private readonly string? _path;

    public ScriptedServer(X509Certificate2? certificate = null, SslProtocols protocols = SslProtocols.None)
    {
        _listener = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        _listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        _listener.Listen();
        _tls = certificate is null ? null : new() { ServerCertificate = certificate, EnabledSslProtocols = protocols };
    }

    /// <summary>On a local socket.</summary>
    public ScriptedServer(string path)
    {
        _path = path;
        _listener = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        _listener.Bind(new UnixDomainSocketEndPoint(path));
        _listener.Listen();
    }

    public int Port => ((IPEndPoint)_listener.LocalEndPoint!).Port;

    /// <summary>Waits for the next connection, which the test owns.</summary>
    public Peer Accept()
    {
        _listener.ReceiveTimeout = 60_000;
        if (!_listener.Poll(TimeSpan.FromSeconds(60), SelectMode.SelectRead))
            throw new TimeoutException("xe does not connect");
        var socket = _listener.Accept();
        socket.ReceiveTimeout = 60_000;
        Stream stream = new NetworkStream(socket, ownsSocket: true);
        if (_tls is null)
            return new(stream);
        var tls = new SslStream(stream);
        tls.AuthenticateAsServer(_tls);
        return new(tls);
    }

    /// <summary>Waits for the next conversation, up to the greetings.</summary>
    /// <param name="request">What opened it, with the command line.</param>
    public Peer AcceptGreeted(out string request)
    {
        var peer = Accept();
        request = peer.ReadRequest();
        peer.Greet().Should().Be(XeGreeting.Current);
        return peer;
    }

    public Peer AcceptGreeted() => AcceptGreeted(out _);

    public void Dispose()
    {
        _listener.Dispose();
        if (_path is not null)
            File.Delete(_path);
    }
}
