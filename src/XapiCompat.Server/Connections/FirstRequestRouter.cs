using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core.Features;

namespace XapiCompat.Server.Connections;

/// <summary>
/// Hands raw requests to their handlers and everything else to HTTP, behind a <see cref="TailReader"/>. Stands after
/// TLS. Only the first request is looked at: the raw forms end their connection.
/// </summary>
internal sealed class FirstRequestRouter(RawRequestHandlers handlers, ConnectionLayerOptions options)
{
    public async Task RunAsync(ConnectionContext connection, ConnectionDelegate next)
    {
        var stopping = connection.Features.Get<IConnectionLifetimeNotificationFeature>()?.ConnectionClosedRequested ?? default;
        var peek = new FirstRequestPeek(connection.Transport.Input, handlers);
        if (!await PeekAsync(peek, stopping))
            return;
        if (peek.Handler is { } handler)
            await RunRawAsync(handler, new RawRequest(connection, peek.Head!, stopping));
        else
            await RunHttpAsync(connection, next);
        await CloseNotifyAsync(connection);
    }

    private async ValueTask<bool> PeekAsync(FirstRequestPeek peek, CancellationToken stopping)
    {
        await using var timer = options.Time.CreateTimer(
            static state => ((FirstRequestPeek)state!).GiveUp(), peek, options.PeekTimeout, Timeout.InfiniteTimeSpan);
        await using var registration = stopping.UnsafeRegister(static state => ((FirstRequestPeek)state!).GiveUp(), peek);
        try
        {
            return await peek.RunAsync();
        }
        catch (IOException)
        {
            return false;
        }
    }

    private static async Task RunRawAsync(RawRequestHandler handler, RawRequest request)
    {
        try
        {
            await handler(request);
        }
        catch (Exception e) when (e is IOException or OperationCanceledException)
        {
            // The peer went away or the server stops: nothing is left to be said on this connection.
            request.Connection.Abort();
        }
    }

    private static async Task RunHttpAsync(ConnectionContext connection, ConnectionDelegate next)
    {
        var transport = connection.Transport;
        var held = new HeldEnd();
        connection.Features.Set(held);
        connection.Transport = new DuplexPipe(new TailReader(transport.Input, held), transport.Output);
        try
        {
            await next(connection);
        }
        finally
        {
            connection.Transport = transport;
        }
    }

    /// <summary>
    /// The end mark of TLS, by which clients tell a whole close-delimited body from a cut one; so never after a cut.
    /// </summary>
    private async ValueTask CloseNotifyAsync(ConnectionContext connection)
    {
        if (connection.ConnectionClosed.IsCancellationRequested
            || connection.Features.Get<ISslStreamFeature>()?.SslStream is not { } tls)
            return;
        try
        {
            await tls.ShutdownAsync().WaitAsync(options.CloseNotifyTimeout, options.Time, connection.ConnectionClosed);
        }
        catch (Exception e) when (e is IOException or TimeoutException or OperationCanceledException or InvalidOperationException)
        {
            // The peer did not wait for it.
        }
    }
}
