using System.Net;
using System.Text;
using Microsoft.AspNetCore.Http.Features;

namespace XapiCompat.Server.HttpActions;

/// <summary>A short HTML page, after which the connection closes.</summary>
internal static class ErrorPage
{
    public static async Task WriteAsync(HttpContext context, int status, string text)
    {
        var reason = Reason(status);
        var page = $"<html><head><title>{status} {reason}</title></head><body><h1>{status} {reason}</h1><p>{WebUtility.HtmlEncode(text)}</p></body></html>\n";
        var bytes = Encoding.UTF8.GetBytes(page);
        var response = context.Response;
        response.StatusCode = status;
        context.Features.Get<IHttpResponseFeature>()!.ReasonPhrase = reason;
        response.Headers.Connection = "close";
        response.Headers.CacheControl = "no-cache, no-store";
        response.Headers.ContentType = "text/html";
        response.ContentLength = bytes.Length;
        await response.StartAsync(context.RequestAborted);
        await response.BodyWriter.WriteAsync(bytes, context.RequestAborted);
    }

    private static string Reason(int status) => status switch
    {
        StatusCodes.Status400BadRequest => "Bad Request",
        StatusCodes.Status401Unauthorized => "Unauthorised",
        StatusCodes.Status403Forbidden => "Forbidden",
        StatusCodes.Status404NotFound => "Not Found",
        StatusCodes.Status411LengthRequired => "Length Required",
        StatusCodes.Status413PayloadTooLarge => "Content Too Large",
        StatusCodes.Status501NotImplemented => "Not Implemented",
        _ => "Internal Error",
    };
}
