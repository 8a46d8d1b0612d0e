using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.Options;
using XapiCompat.Core.Services;
using XapiCompat.Core.Transfers;
using XapiCompat.Server.Cli;
using XapiCompat.Server.Connections;
using XapiCompat.Server.HttpActions;
using XapiCompat.Server.Lab;
using XapiCompat.Server.Rpc;

namespace XapiCompat.Server;

/// <summary>
/// Listeners and the way of a request: HTTP actions by their paths, everything else posted is RPC. It is built beside what it
/// leads to, and listens once it is connected with that.
/// </summary>
internal sealed class HttpPipeline : IAsyncDisposable
{
    private readonly KestrelServerOptions _kestrel;
    private HttpActionRouter _router = null!;
    private RpcEndpoint _rpc = null!;
    private LabEndpoint? _lab;

    public HttpPipeline(ServerOptions options)
    {
        var builder = WebApplication.CreateEmptyBuilder(new() { ApplicationName = "XapiCompat" });
        builder.WebHost.UseKestrelCore().UseKestrelHttpsConfiguration().UseSockets(sockets => sockets.MaxWriteBufferSize = KestrelLimits.ResponseBufferBytes);
        if (options.Unix is not null)
            LocalSocket.Guard(builder);
        builder.Logging.AddConsole(console => console.LogToStandardErrorThreshold = LogLevel.Trace).SetMinimumLevel(LogLevel.Warning)
            // A start that fails is reported by whoever asked for it, in one line.
            .AddFilter("Microsoft.Extensions.Hosting", LogLevel.None);
        builder.Services.AddXapiConnections();
        builder.WebHost.ConfigureKestrel(KestrelLimits.Apply);
        App = builder.Build();
        _kestrel = App.Services.GetRequiredService<IOptions<KestrelServerOptions>>().Value;
        App.Run(InvokeAsync);
    }

    /// <summary>Start it when it is connected.</summary>
    public WebApplication App { get; }

    /// <param name="options">With the ports that the whole pool shares.</param>
    /// <param name="hosts">Addresses of the pool's hosts.</param>
    public void Connect(
        ServerOptions options, ServerCertificateFile certificate, TimeProvider clock, RpcEndpoint rpc, IDiskTransfers transfers, PoolPlaces places, IReadOnlyList<string> hosts, CliEndpoint cli, LabEndpoint? lab)
    {
        var transferOptions = new TransferOptions
        {
            IdleTimeout = options.TransferIdle,
            Time = clock,
            SpoolDirectory = options.State,
            Redirects = new(places, options.Http, options.Https),
            Logger = App.Services.GetRequiredService<ILoggerFactory>().CreateLogger("XapiCompat.Transfers"),
        };
        _rpc = rpc;
        _lab = lab;
        _router = HttpActionTable.Create(transfers, transferOptions, options.Lab?.Points);
        Listen(_kestrel, options, certificate, clock, HttpActionTable.RawHandlers(_router, transferOptions, cli.RunAsync), hosts);
    }

    public ValueTask DisposeAsync() => App.DisposeAsync();

    private async Task InvokeAsync(HttpContext http)
    {
        if (_lab is not null && http.Request.Path.StartsWithSegments(LabEndpoint.Path, StringComparison.Ordinal))
        {
            await _lab.InvokeAsync(http);
            return;
        }

        if (await _router.TryInvokeAsync(http))
            return;
        if (HttpMethods.IsOptions(http.Request.Method))
            Preflight(http);
        else
            await _rpc.InvokeAsync(http);
    }

    private static void Listen(KestrelServerOptions kestrel, ServerOptions options, ServerCertificateFile certificate, TimeProvider clock, RawRequestHandlers raw, IReadOnlyList<string> hosts)
    {
        var layer = new ConnectionLayerOptions { Time = clock };
        if (options.Http is { } http)
        {
            foreach (var endpoint in PoolAddresses.Listeners(http, hosts))
                kestrel.Listen(endpoint, listener => listener.UseXapiConnectionLayer(null, raw, layer));
        }

        if (options.Unix is { } unix)
            LocalSocket.Listen(kestrel, unix, listener => listener.UseXapiConnectionLayer(null, raw, layer));
        if (options.Https is { } https)
        {
            // A file that cannot be read stops the start, not the first connection.
            _ = certificate.Current;
            foreach (var endpoint in PoolAddresses.Listeners(https, hosts))
                kestrel.Listen(endpoint, listener => listener.UseXapiConnectionLayer(() => certificate.Current, raw, layer));
        }
    }

    /// <summary>Browsers ask before they post from another origin.</summary>
    private static void Preflight(HttpContext http)
    {
        var asked = http.Request.Headers.AccessControlRequestHeaders.ToString();
        http.Response.Headers.AccessControlAllowOrigin = "*";
        http.Response.Headers.AccessControlAllowMethods = "PUT";
        http.Response.Headers.AccessControlAllowHeaders = asked.Length > 0 ? asked + ", X-Requested-With" : "X-Requested-With";
        http.Response.ContentLength = 0;
        // Nobody reads a body here, and what is left of a long one ends the connection.
        if (http.Features.Get<IHttpRequestBodyDetectionFeature>() is { CanHaveBody: true })
            http.Response.Headers.Connection = "close";
    }
}
