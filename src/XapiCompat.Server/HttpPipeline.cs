using Microsoft.AspNetCore.Server.Kestrel.Core;
using XapiCompat.Core.Transfers;
using XapiCompat.Datamodel;
using XapiCompat.Server.Rpc;

namespace XapiCompat.Server;

/// <summary>Listeners and the way of a request to RPC or to an HTTP action.</summary>
internal static class HttpPipeline
{
    public static WebApplication Build(
        ServerOptions options, StateDirectory state, TimeProvider clock, RpcEndpoint rpc, IDiskTransfers transfers, Model model, CancellationToken stopping)
    {
        var builder = WebApplication.CreateEmptyBuilder(new() { ApplicationName = "XapiCompat" });
        builder.WebHost.UseKestrelCore().UseKestrelHttpsConfiguration();
        builder.Logging.AddConsole(console => console.LogToStandardErrorThreshold = LogLevel.Trace).SetMinimumLevel(LogLevel.Warning);
        builder.WebHost.ConfigureKestrel(kestrel => Listen(kestrel, options, state, clock));
        var app = builder.Build();
        app.Run(http => HttpMethods.IsPost(http.Request.Method)
            ? rpc.InvokeAsync(http)
            : HtmlPage.WriteAsync(http, StatusCodes.Status404NotFound, "Not Found", http.Request.Path));
        return app;
    }

    private static void Listen(KestrelServerOptions kestrel, ServerOptions options, StateDirectory state, TimeProvider clock)
    {
        if (options.Http is { } http)
            kestrel.Listen(http);
        if (options.Https is { } https)
        {
            var certificate = ServerCertificate.LoadOrCreate(state.Certificate, Environment.MachineName, clock.GetUtcNow());
            kestrel.Listen(https, listener => listener.UseHttps(certificate));
        }
    }
}
