using Microsoft.AspNetCore.Server.Kestrel.Core;
using XapiCompat.Core.Services;
using XapiCompat.Core.Transfers;
using XapiCompat.Server.Connections;
using XapiCompat.Server.HttpActions;
using XapiCompat.Server.Rpc;

namespace XapiCompat.Server;

/// <summary>Listeners and the way of a request: HTTP actions by their paths, everything else posted is RPC.</summary>
internal static class HttpPipeline
{
    public static WebApplication Build(ServerOptions options, ServerCertificateFile certificate, TimeProvider clock, RpcEndpoint rpc, IDiskTransfers transfers, PoolPlaces places, IReadOnlyList<string> hosts)
    {
        var builder = WebApplication.CreateEmptyBuilder(new() { ApplicationName = "XapiCompat" });
        builder.WebHost.UseKestrelCore().UseKestrelHttpsConfiguration().UseSockets(sockets => sockets.MaxWriteBufferSize = KestrelLimits.ResponseBufferBytes);
        if (options.Unix is not null)
            LocalSocket.Guard(builder);
        builder.Logging.AddConsole(console => console.LogToStandardErrorThreshold = LogLevel.Trace).SetMinimumLevel(LogLevel.Warning)
            // A start that fails is reported by whoever asked for it, in one line.
            .AddFilter("Microsoft.Extensions.Hosting", LogLevel.None);
        HttpActionRouter router = null!;
        builder.WebHost.ConfigureKestrel(kestrel =>
        {
            var transferOptions = new TransferOptions
            {
                IdleTimeout = options.TransferIdle,
                Time = clock,
                SpoolDirectory = options.State,
                Redirects = new(places, options.Http, options.Https),
                Logger = kestrel.ApplicationServices.GetRequiredService<ILoggerFactory>().CreateLogger("XapiCompat.Transfers"),
            };
            router = HttpActionTable.Create(transfers, transferOptions);
            KestrelLimits.Apply(kestrel);
            Listen(kestrel, options, certificate, clock, HttpActionTable.RawHandlers(router, transferOptions), hosts);
        });
        var app = builder.Build();
        app.Run(async http =>
        {
            if (await router.TryInvokeAsync(http))
                return;
            if (HttpMethods.IsOptions(http.Request.Method))
                Preflight(http);
            else
                await rpc.InvokeAsync(http);
        });
        return app;
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
    }
}
