using System.IO.Pipelines;
using System.Net;
using Microsoft.AspNetCore.Http.Features;
using XapiCompat.Server.Connections;

namespace XapiCompat.Server.HttpActions;

/// <summary>Shows a raw request to handlers in the form that HTTP requests have.</summary>
internal static class RawFeatures
{
    public static FeatureCollection For(RawRequest request, RawLifetime lifetime, RawResponse response)
    {
        var features = new FeatureCollection();
        features.Set<IHttpRequestFeature>(Request(request));
        features.Set<IRequestBodyPipeFeature>(new Body(request.Input));
        features.Set<IHttpRequestLifetimeFeature>(lifetime);
        features.Set<IHttpResponseFeature>(response);
        features.Set<IHttpResponseBodyFeature>(response);
        if (request.Connection.RemoteEndPoint is IPEndPoint remote)
        {
            features.Set<IHttpConnectionFeature>(new HttpConnectionFeature
            {
                RemoteIpAddress = remote.Address,
                RemotePort = remote.Port,
                LocalIpAddress = (request.Connection.LocalEndPoint as IPEndPoint)?.Address,
            });
        }

        LocalSocket.Pass(request.Connection, features);
        return features;
    }

    private static HttpRequestFeature Request(RawRequest request)
    {
        var head = request.Head;
        var headers = new HeaderDictionary();
        foreach (var (name, value) in head.Headers)
            headers.Append(name, value);
        return new HttpRequestFeature
        {
            Method = head.Method,
            Protocol = head.Version,
            Scheme = "http",
            Path = head.Path,
            QueryString = head.Query,
            RawTarget = head.Target,
            Headers = headers,
        };
    }

    private sealed class Body(PipeReader reader) : IRequestBodyPipeFeature
    {
        public PipeReader Reader => reader;
    }
}
