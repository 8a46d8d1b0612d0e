using System.Text;
using XapiCompat.Core.Dispatch;
using XapiCompat.Core.Transfers;
using XapiCompat.Values;

namespace XapiCompat.Server.HttpActions;

/// <summary>Who asks: a session in cookie or query, else Basic authentication.</summary>
internal static class CredentialReader
{
    /// <exception cref="XenException">An Authorization header of another scheme: INTERNAL_ERROR.</exception>
    public static TransferCredentials Read(HttpRequest request, RequestParameters parameters)
    {
        var originator = request.Headers.UserAgent.ToString();
        var http = request.HttpContext;
        var origin = new CallOrigin(http.Connection.RemoteIpAddress?.ToString() ?? "", Trusted: LocalSocket.IsTrusted(http), Disconnected: http.RequestAborted);
        if (parameters.CookieFirst("session_id") is { } session)
            return new TransferCredentials(session, null, null, originator, origin);
        var authorization = request.Headers.Authorization.ToString();
        if (authorization.Length == 0)
            return new TransferCredentials(null, null, null, originator, origin);
        if (!authorization.StartsWith("Basic ", StringComparison.OrdinalIgnoreCase))
            throw new XenException("INTERNAL_ERROR", "Unknown authorization scheme");

        var pair = Decode(authorization["Basic ".Length..].Trim());
        var colon = pair.IndexOf(':', StringComparison.Ordinal);
        return colon < 0
            ? new TransferCredentials(null, null, null, originator, origin)
            : new TransferCredentials(null, pair[..colon], pair[(colon + 1)..], originator + " using Basic auth", origin);
    }

    private static string Decode(string base64)
    {
        var bytes = new byte[base64.Length];
        return Convert.TryFromBase64String(base64, bytes, out var length) ? Encoding.UTF8.GetString(bytes, 0, length) : "";
    }
}
