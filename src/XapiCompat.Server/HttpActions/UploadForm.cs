namespace XapiCompat.Server.HttpActions;

/// <summary>How an upload tells its length.</summary>
/// <param name="Length">Bytes of the body, or null when only its end tells.</param>
/// <param name="HasBody">False for an HTTP/1.1 request that announces no body in any way: its data would be taken for nothing.</param>
/// <param name="WaitsToBeAsked">The client sends its body when it is told to, or at last when it has waited for long enough.</param>
internal readonly record struct UploadForm(long? Length, bool HasBody, bool WaitsToBeAsked)
{
    /// <summary>Clients that do not know their length announce a petabyte and cut the connection after the last byte.</summary>
    private const long Unbelievable = 1L << 49;

    public static UploadForm Of(HttpRequest request)
    {
        var waits = request.Headers.Expect.Count > 0 && !HttpProtocol.IsHttp10(request.Protocol);
        if (request.Headers.TransferEncoding.Count > 0)
            return new UploadForm(null, true, waits);
        if (request.ContentLength is { } length)
            return new UploadForm(length < Unbelievable ? length : null, true, waits);
        return new UploadForm(null, HttpProtocol.IsHttp10(request.Protocol), waits);
    }
}
