using System.Net;

namespace XapiCompat.Server;

/// <summary>Short error pages; every one closes its connection.</summary>
internal static class HtmlPage
{
    public static async Task WriteAsync(HttpContext http, int status, string title, string text)
    {
        if (http.Response.HasStarted)
        {
            http.Abort();
            return;
        }

        http.Response.StatusCode = status;
        http.Response.ContentType = "text/html";
        http.Response.Headers.Connection = "close";
        await http.Response.WriteAsync(
            $"<html><body><h1>HTTP {status} {WebUtility.HtmlEncode(title)}</h1>{WebUtility.HtmlEncode(text)}</body></html>", http.RequestAborted);
    }
}
