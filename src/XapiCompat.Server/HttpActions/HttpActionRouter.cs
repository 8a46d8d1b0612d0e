using Microsoft.AspNetCore.Http.Features;
using XapiCompat.Core.Laboratory;

namespace XapiCompat.Server.HttpActions;

/// <summary>Finds the handler by method and longest path prefix, and refuses what has none.</summary>
internal sealed class HttpActionRouter
{
    /// <summary>Methods that a XenAPI server has handlers for; others are 501 whatever their path.</summary>
    private static readonly string[] KnownMethods = ["GET", "PUT", "POST", "CONNECT", "OPTIONS"];

    private readonly IHttpAction[] _actions;

    private readonly FaultPoints? _points;

    public HttpActionRouter(IEnumerable<IHttpAction> actions, FaultPoints? points = null)
    {
        _actions = [.. actions.OrderByDescending(a => a.PathPrefix.Length)];
        _points = points;
    }

    /// <summary>Prefixes of all PUT handlers: where an upload without any length may arrive.</summary>
    public IReadOnlyList<string> UploadPaths => [.. _actions.Where(a => a.Method == "PUT").Select(a => a.PathPrefix)];

    public IHttpAction? Find(string method, string path)
    {
        foreach (var action in _actions)
        {
            if (action.Method == method && path.StartsWith(action.PathPrefix, StringComparison.Ordinal))
                return action;
        }

        return null;
    }

    /// <summary>False when nothing was answered: a POST or OPTIONS without a handler here belongs to RPC.</summary>
    public async Task<bool> TryInvokeAsync(HttpContext context)
    {
        var method = context.Request.Method;
        var action = Find(method, context.Request.Path.Value ?? "/");
        if (method != "POST")
            TakeAnyBody(context);
        if (action is null && (method is "POST" or "OPTIONS"))
            return false;
        if (action is not null)
        {
            _points?.Enter(action.PathPrefix.Trim('/'), context.Request.Headers[FaultPoints.TagHeader].ToString());
            await action.InvokeAsync(context);
        }
        else if (!KnownMethods.Contains(method))
            await ErrorPage.WriteAsync(context, StatusCodes.Status501NotImplemented, "There is no handler for this method.");
        else if (method == "GET")
            await ErrorPage.WriteAsync(context, StatusCodes.Status404NotFound, "There is nothing under this path.");
        else
            await ErrorPage.WriteAsync(context, StatusCodes.Status403Forbidden, "There is no handler for this method under this path.");
        return true;
    }

    /// <summary>
    /// A refusal reaches a client that is still sending because HTTP reads on behind it, for seconds; but not into a body above
    /// its limit, and disks are larger.
    /// </summary>
    private static void TakeAnyBody(HttpContext context)
    {
        if (context.Features.Get<IHttpMaxRequestBodySizeFeature>() is { IsReadOnly: false } size)
            size.MaxRequestBodySize = null;
    }
}
