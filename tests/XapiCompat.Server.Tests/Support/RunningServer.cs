using System.Net;
using XapiCompat.Testing;
using Xunit;

namespace XapiCompat.Server.Tests.Support;

/// <summary>A whole server on loopback with a state directory of its own.</summary>
public sealed class RunningServer : IAsyncLifetime
{
    private readonly TempDirectory _directory = new();
    private HttpClient? _http;

    public ServerHost Host { get; private set; } = null!;

    public string StatePath => _directory.File("state");

    public string Database => Path.Combine(StatePath, "xapi.db");

    public bool Strict { get; init; }

    /// <summary>The server's time; null is the real one.</summary>
    public TimeProvider? Clock { get; init; }

    /// <summary>Changes the options of the next start.</summary>
    public Func<ServerOptions, ServerOptions> Configure { get; set; } = options => options;

    public ServerOptions Options => Configure(new()
    {
        Http = new(IPAddress.Loopback, 0),
        Https = null,
        Nbd = new(IPAddress.Loopback, 0),
        State = StatePath,
        Strict = Strict,
        LoginPause = TimeSpan.Zero,

        // Trees stay as a test made them; those about the collector say otherwise.
        CollectorDelay = TimeSpan.FromHours(1),
    });

    public string File(string name) => _directory.File(name);

    public HttpClient Http => _http ?? throw new InvalidOperationException("the server is stopped");

    public int Port => Host.Http!.Port;

    public Task InitializeAsync() => StartAsync();

    public static async Task<RunningServer> CreateAsync(Func<ServerOptions, ServerOptions>? configure = null, TimeProvider? clock = null)
    {
        var server = new RunningServer { Clock = clock };
        if (configure is not null)
            server.Configure = configure;
        await server.StartAsync();
        return server;
    }

    public async Task StartAsync()
    {
        Host = await ServerHost.StartAsync(Options, Clock);
        _http = new HttpClient { BaseAddress = Host.Http, Timeout = TimeSpan.FromSeconds(100) };
    }

    public async Task StopAsync()
    {
        if (_http is null)
            return;
        _http.Dispose();
        _http = null;
        await Host.DisposeAsync();
    }

    public async Task RestartAsync()
    {
        await StopAsync();
        await StartAsync();
    }

    public Task<XenClient> LoginAsync() => XenClient.LoginAsync(new JsonWire(Http));

    public Task<XenClient> LoginAsync(string user, string password) => XenClient.LoginAsync(new JsonWire(Http), user, password);

    public Task<XenClient> LoginOverXmlAsync() => XenClient.LoginAsync(new XmlWire(Http));

    public async Task DisposeAsync()
    {
        await StopAsync();
        _directory.Dispose();
    }
}
