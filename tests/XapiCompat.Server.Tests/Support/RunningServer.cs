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

    public ServerOptions Options => new() { Http = new(IPAddress.Loopback, 0), Https = null, State = StatePath, Strict = Strict };

    public HttpClient Http => _http ?? throw new InvalidOperationException("the server is stopped");

    public int Port => Host.Http!.Port;

    public Task InitializeAsync() => StartAsync();

    public static async Task<RunningServer> CreateAsync()
    {
        var server = new RunningServer();
        await server.StartAsync();
        return server;
    }

    public async Task StartAsync()
    {
        Host = await ServerHost.StartAsync(Options);
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

    public Task<XenClient> LoginOverXmlAsync() => XenClient.LoginAsync(new XmlWire(Http));

    public async Task DisposeAsync()
    {
        await StopAsync();
        _directory.Dispose();
    }
}
