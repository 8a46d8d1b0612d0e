using Microsoft.AspNetCore.Http.Features;
using XapiCompat.Server.Connections;

namespace XapiCompat.Server.HttpActions;

/// <summary>The end of a raw request: the peer leaves, the server stops, or the handler cuts the connection.</summary>
internal sealed class RawLifetime(RawRequest request) : IHttpRequestLifetimeFeature, IDisposable
{
    private readonly CancellationTokenSource _ended = CancellationTokenSource.CreateLinkedTokenSource(request.Gone, request.Stopping);

    public bool Aborted { get; private set; }

    public CancellationToken RequestAborted
    {
        get => _ended.Token;
        set => throw new NotSupportedException();
    }

    public void Abort()
    {
        Aborted = true;
        request.Connection.Abort();
        _ended.Cancel();
    }

    public void Dispose() => _ended.Dispose();
}
