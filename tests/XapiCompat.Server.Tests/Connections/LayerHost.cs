using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using XapiCompat.Server.Connections;

namespace XapiCompat.Server.Tests.Connections;

/// <summary>The real connection layer on a clear and a TLS listener, with an application of the test's own behind it.</summary>
internal sealed class LayerHost : IAsyncDisposable
{
    private static readonly Lazy<X509Certificate2> SharedCertificate = new(MakeCertificate);

    private readonly WebApplication _app;

    private LayerHost(WebApplication app, int clear, int tls) => (_app, ClearPort, TlsPort) = (app, clear, tls);

    public int ClearPort { get; }

    public int TlsPort { get; }

    public int Port(bool tls) => tls ? TlsPort : ClearPort;

    public static async Task<LayerHost> StartAsync(RequestDelegate app, ConnectionLayerOptions? options = null, RawRequestHandlers? raw = null)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        raw ??= new RawRequestHandlers(_ => throw new InvalidOperationException("no raw uploads here"), [], request => CliRefusal.SendAsync(request, "501 Not Implemented", "no dialogue here"));
        options ??= new ConnectionLayerOptions();
        builder.WebHost.UseKestrelCore().UseKestrelHttpsConfiguration().ConfigureKestrel(kestrel =>
        {
            KestrelLimits.Apply(kestrel);
            kestrel.Listen(IPAddress.Loopback, 0, listener => listener.UseXapiConnectionLayer(null, raw, options));
            kestrel.Listen(IPAddress.Loopback, 0, listener => listener.UseXapiConnectionLayer(() => SharedCertificate.Value, raw, options));
        });
        builder.Services.AddXapiConnections();
        var web = builder.Build();
        web.Run(app);
        await web.StartAsync();
        var ports = web.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses
            .Select(a => new Uri(a).Port).ToArray();
        return new LayerHost(web, ports[0], ports[1]);
    }

    public ValueTask<RawClient> ConnectAsync(bool tls) => RawClient.ConnectAsync(Port(tls), tls);

    public async ValueTask DisposeAsync()
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(1));
        await _app.StopAsync(limit.Token);
        await _app.DisposeAsync();
    }

    private static X509Certificate2 MakeCertificate()
    {
        using var key = RSA.Create(2048);
        var request = new CertificateRequest("CN=localhost", key, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
        using var made = request.CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(30));
        return X509CertificateLoader.LoadPkcs12(made.Export(X509ContentType.Pfx), null);
    }
}
