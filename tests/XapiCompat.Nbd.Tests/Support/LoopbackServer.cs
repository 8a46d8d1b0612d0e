using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using XapiCompat.Nbd.Protocol;
using XapiCompat.Testing;

namespace XapiCompat.Nbd.Tests.Support;

/// <summary>Sessions over loopback, and exports of memory by name: <c>disk</c> can be written, <c>fixed</c> cannot.</summary>
public sealed class LoopbackServer : INbdExports, INbdBitmaps, IAsyncDisposable
{
    private static readonly Lazy<X509Certificate2> Own = new(MakeCertificate);

    private readonly CancellationTokenSource _stopping = new();
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly ConcurrentDictionary<Task, byte> _sessions = new();
    private readonly Task _accepting;
    private int _open;

    public LoopbackServer(int size = 8 << 20, NbdSessionOptions? options = null)
    {
        Device = new(size);
        Options = (options ?? new()) with { Certificate = () => Own.Value };
        _listener.Start();
        _accepting = AcceptAsync();
    }

    public MemoryDevice Device { get; }

    public NbdSessionOptions Options { get; set; }

    public CancellationTokenSource Ending { get; } = new();

    public NbdBitmap Changes { get; set; } = new(64 << 10, new byte[] { 0b0100_0000 });

    public IPEndPoint Endpoint => (IPEndPoint)_listener.LocalEndpoint;

    /// <summary>Exports that were opened and not closed yet.</summary>
    public int Open => Volatile.Read(ref _open);

    /// <summary>Sessions that have not ended.</summary>
    public int Sessions => _sessions.Count;

    public ConcurrentQueue<Exception> Unexpected { get; } = [];

    public Task<NbdClient> ConnectAsync() => NbdClient.ConnectAsync(Endpoint);

    public Task<NbdClient> OpenAsync(string name = "disk", bool structured = true, params string[] contexts) => NbdClient.OpenAsync(Endpoint, name, structured, contexts);

    public IReadOnlyList<NbdListing> List() => [new("disk", "a disk"), new("fixed", "")];

    public ValueTask<NbdExport> OpenAsync(string name, CancellationToken cancellationToken)
    {
        if (name is not ("disk" or "fixed"))
            throw new NbdRefusal(NbdOptionReply.ErrUnknown, "no such export");
        Interlocked.Increment(ref _open);
        return new(new NbdExport
        {
            Name = name,
            Description = "a " + name,
            Device = Device,
            ReadOnly = name == "fixed",
            Ending = Ending.Token,
            DirtyBitmaps = this,
            Release = () =>
            {
                Interlocked.Decrement(ref _open);
                return ValueTask.CompletedTask;
            },
        });
    }

    public ValueTask<IReadOnlyList<string>> ListAsync(CancellationToken cancellationToken) => new((string[])["changes", "gone"]);

    public ValueTask<NbdBitmap?> LoadAsync(string name, CancellationToken cancellationToken) => new(name == "changes" ? Changes : null);

    /// <summary>Waits until no session and no export is left.</summary>
    public async Task<bool> IsQuietAsync(int seconds = 60)
    {
        for (var i = 0; i < seconds * 100 && (Sessions > 0 || Open > 0); i++)
            await Task.Delay(10);
        return Sessions == 0 && Open == 0;
    }

    public Task StopAsync() => _stopping.CancelAsync();

    public async ValueTask DisposeAsync()
    {
        await _stopping.CancelAsync();
        _listener.Dispose();
        await _accepting;
        await Task.WhenAll(_sessions.Keys);
    }

    private async Task AcceptAsync()
    {
        try
        {
            while (true)
            {
                var client = await _listener.AcceptTcpClientAsync(_stopping.Token);
                var session = Task.Run(() => ServeAsync(client));
                _sessions.TryAdd(session, 0);
                _ = session.ContinueWith(done => _sessions.TryRemove(done, out _), TaskScheduler.Default);
            }
        }
        catch (Exception e) when (e is OperationCanceledException or SocketException or ObjectDisposedException)
        {
        }
    }

    private async Task ServeAsync(TcpClient client)
    {
        using (client)
        {
            try
            {
                await NbdSession.RunAsync(client.GetStream(), this, Options, _stopping.Token);
            }
            catch (Exception e)
            {
                Unexpected.Enqueue(e);
            }
        }
    }

    private static X509Certificate2 MakeCertificate()
    {
        using var key = RSA.Create(2048);
        var request = new CertificateRequest("CN=localhost", key, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
        using var made = request.CreateSelfSigned(DateTimeOffset.UnixEpoch, DateTimeOffset.UnixEpoch.AddYears(200));
        return X509CertificateLoader.LoadPkcs12(made.Export(X509ContentType.Pkcs12), null);
    }
}
