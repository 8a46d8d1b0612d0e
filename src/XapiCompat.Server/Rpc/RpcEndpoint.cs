using XapiCompat.Core.Dispatch;
using XapiCompat.Core.Laboratory;
using XapiCompat.Core.Services;
using XapiCompat.Server.HttpActions;
using XapiCompat.Values;
using XapiCompat.Wire;

namespace XapiCompat.Server.Rpc;

/// <summary>RPC posts: JSON-RPC below <c>/jsonrpc</c>, XML-RPC on every other path.</summary>
internal sealed class RpcEndpoint(Dispatcher dispatcher, SessionService sessions, PoolPlaces places, SystemMethods system, CallLog? calls, FaultPoints? points, CancellationToken stopping)
{
    private const long BeforeLogin = 1L << 20;
    private const long Login = 64L << 10;
    private const long Authorised = 64L << 20;

    private readonly XmlRpcCodec _xml = new();
    private readonly JsonRpcCodec _json = new();

    public async Task InvokeAsync(HttpContext http)
    {
        var codec = http.Request.Path.StartsWithSegments("/jsonrpc", StringComparison.Ordinal) ? (IRpcCodec)_json : _xml;
        var limits = new RpcReadLimits { AllowedBytes = AllowedBytes };
        RpcRequest request;
        RpcResult result;
        try
        {
            request = await codec.ReadAsync(http.Request.BodyReader, limits, http.RequestAborted);
            (request, result) = await AnswerAsync(http, request);
        }
        catch (RpcReadException e) when (e is { Error: RpcReadError.NotUtf8, AnswerAs: not null })
        {
            request = e.AnswerAs;
            result = RpcResult.Fail(new("INVALID_VALUE", "The string is not valid UTF-8", e.OffendingText ?? ""));
        }
        catch (RpcReadException e)
        {
            await ErrorPage.WriteAsync(http, StatusCodes.Status500InternalServerError, e.Message);
            return;
        }
        catch (BadHttpRequestException e)
        {
            await ErrorPage.WriteAsync(http, e.StatusCode, e.Message);
            return;
        }

        var headers = http.Response.Headers;
        headers.ContentType = codec.ContentType;
        headers.CacheControl = "no-cache, no-store";
        headers.AccessControlAllowOrigin = "*";
        headers.AccessControlAllowHeaders = "X-Requested-With";
        await codec.WriteAsync(
            http.Response.BodyWriter,
            request,
            result,
            http.RequestAborted,
            length => http.Response.ContentLength = length);
    }

    private async ValueTask<(RpcRequest Request, RpcResult Result)> AnswerAsync(HttpContext http, RpcRequest request)
    {
        if (system.TryAnswer(request.Call, out var answer))
            return (request with { BareAnswer = true }, answer);
        using var waiting = CancellationTokenSource.CreateLinkedTokenSource(http.RequestAborted, stopping);
        var subtaskOf = http.Request.Headers["subtask-of"].ToString();
        var origin = new CallOrigin(
            http.Connection.RemoteIpAddress?.ToString() ?? "",
            subtaskOf.Length > 0 ? subtaskOf : null,
            LocalSocket.IsTrusted(http),
            places.HasMembers ? places.MasterBehind(Redirects.LocalAddress(http)) : null,
            waiting.Token);
        points?.Enter(request.Call.Method, http.Request.Headers[FaultPoints.TagHeader].ToString());
        var result = await dispatcher.InvokeAsync(request.Call, origin);
        if (calls is not null && result.Failure is null)
            calls.Note(request.Call.Method);
        return (request, result);
    }

    /// <summary>Documents grow large only for callers that are known.</summary>
    private long AllowedBytes(string method, XenValue? firstArgument)
    {
        if (method.StartsWith("session.", StringComparison.Ordinal) && method.Contains("login", StringComparison.Ordinal))
            return Login;
        return firstArgument is XenString session && sessions.Find(session.Text) is not null ? Authorised : BeforeLogin;
    }
}
