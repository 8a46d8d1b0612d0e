using Microsoft.AspNetCore.Server.Kestrel.Core.Features;
using XapiCompat.Core.Transfers;
using XapiCompat.Values;

namespace XapiCompat.Server.HttpActions;

/// <summary>What both transfer directions do with a request before any data moves.</summary>
internal sealed class TransferRequest(HttpContext context, IDiskTransfers transfers, string action)
{
    public HttpContext Context => context;

    public RequestParameters Parameters { get; } = new(context.Request);

    public bool NamesTask => Parameters.CookieFirst("task_id") is not null;

    /// <summary>Binds the task. Null when the caller was refused, and told so.</summary>
    public async ValueTask<ITransfer?> BeginAsync()
    {
        try
        {
            var credentials = CredentialReader.Read(context.Request, Parameters);
            return await transfers.BeginAsync(
                credentials, action, Parameters.CookieFirst("task_id"), Parameters.CookieFirst("subtask_of"), context.RequestAborted);
        }
        catch (XenException e)
        {
            await DenyAsync(e.Failure);
            return null;
        }
    }

    /// <summary>False when the caller was refused, and told so.</summary>
    public async ValueTask<bool> CheckAsync()
    {
        try
        {
            await transfers.CheckAsync(CredentialReader.Read(context.Request, Parameters), action, context.RequestAborted);
            return true;
        }
        catch (XenException e)
        {
            await DenyAsync(e.Failure);
            return false;
        }
    }

    /// <summary>
    /// Sends the client to the host that sees the disk's SR: 302, with the task untouched, which the target binds.
    /// </summary>
    /// <returns>True when the request is answered by that.</returns>
    public async ValueTask<bool> RedirectAsync(Redirects? redirects)
    {
        if (redirects?.ForDisk(context, Parameters.QueryFirst("vdi")) is not { } location)
            return false;
        if (!await CheckAsync())
            return true;
        var response = context.Response;
        response.StatusCode = StatusCodes.Status302Found;
        response.Headers.Location = location;
        response.Headers.CacheControl = "no-cache, no-store";
        response.Headers.Connection = "close";
        response.ContentLength = 0;
        await response.StartAsync(context.RequestAborted);
        return true;
    }

    /// <summary>Ends the task and answers; nothing was sent before.</summary>
    public async ValueTask RefuseAsync(ITransfer transfer, int status, XenFailure failure)
    {
        transfer.Fail(failure);
        await ErrorPage.WriteAsync(context, status, string.Join(' ', failure.Description));
    }

    /// <summary>A transfer may pause: an idle watchdog ends it instead. Only for callers who were let in.</summary>
    public void LiftLimits()
    {
        var features = context.Features;
        features.Get<IHttpMinRequestBodyDataRateFeature>()?.MinDataRate = null;
        features.Get<IHttpMinResponseDataRateFeature>()?.MinDataRate = null;
    }

    private Task DenyAsync(XenFailure failure)
    {
        var status = failure.Code switch
        {
            "SESSION_INVALID" or "SESSION_AUTHENTICATION_FAILED" or "SESSION_AUTHORIZATION_FAILED" => StatusCodes.Status401Unauthorized,
            "RBAC_PERMISSION_DENIED" => StatusCodes.Status403Forbidden,
            _ => StatusCodes.Status500InternalServerError,
        };
        if (status == StatusCodes.Status401Unauthorized)
            context.Response.Headers.WWWAuthenticate = $"Basic realm=\"{action}\"";
        return ErrorPage.WriteAsync(context, status, string.Join(' ', failure.Description));
    }
}
