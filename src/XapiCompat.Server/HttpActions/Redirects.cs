using System.Net;
using XapiCompat.Core.Services;

namespace XapiCompat.Server.HttpActions;

/// <summary>
/// Where a transfer has to go when the host that the client reached does not see the disk's SR. All hosts of the pool
/// listen on the same ports; targets are https wherever that is served, with the query as it came.
/// </summary>
internal sealed class Redirects(PoolPlaces places, IPEndPoint? http, IPEndPoint? https)
{
    private const int HttpPort = 80;
    private const int HttpsPort = 443;

    /// <summary>The address for the Location header; null when the request belongs here.</summary>
    public string? ForDisk(HttpContext context, string? vdi)
    {
        if (places.HostForDisk(vdi, LocalAddress(context)) is not { } host)
            return null;
        var request = context.Request;
        return Origin(host) + request.Path.ToUriComponent() + request.QueryString.ToUriComponent();
    }

    /// <summary>The address that the client connected to, as host.address writes it; null on a connection without one.</summary>
    public static string? LocalAddress(HttpContext context) => context.Connection.LocalIpAddress switch
    {
        null => null,
        { IsIPv4MappedToIPv6: true } mapped => mapped.MapToIPv4().ToString(),
        var address => address.ToString(),
    };

    private string Origin(string host)
    {
        var name = host.Contains(':', StringComparison.Ordinal) ? "[" + host + "]" : host;
        return https is not null ? "https://" + name + Port(https.Port, HttpsPort) : "http://" + name + (http is null ? "" : Port(http.Port, HttpPort));
    }

    private static string Port(int port, int usual) => port == usual ? "" : ":" + port;
}
