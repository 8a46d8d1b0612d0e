namespace XapiCompat.Server.Connections;

/// <summary>Serves one raw request; see <see cref="RawRequest"/>.</summary>
internal delegate Task RawRequestHandler(RawRequest request);

/// <summary>The requests that HTTP cannot carry.</summary>
/// <param name="Upload">PUT over HTTP/1.0 with neither Content-Length nor Transfer-Encoding: the body ends with the input.</param>
/// <param name="UploadPaths">Path prefixes that <paramref name="Upload"/> serves; other paths stay with HTTP.</param>
/// <param name="Cli"><c>POST /cli</c>: a binary dialogue without any HTTP answer.</param>
internal sealed record RawRequestHandlers(RawRequestHandler Upload, IReadOnlyList<string> UploadPaths, RawRequestHandler Cli)
{
    /// <summary>The handler for a clean head, or null when HTTP serves it.</summary>
    public RawRequestHandler? Find(RequestHead head)
    {
        var path = head.Path;
        if (head.Method == "POST")
            return path == "/cli" ? Cli : null;
        return head.Method == "PUT" && head.Version == "HTTP/1.0" && IsUploadPath(path)
            && head.Header("Content-Length") is null && head.Header("Transfer-Encoding") is null
            ? Upload
            : null;
    }

    private bool IsUploadPath(string path)
    {
        foreach (var prefix in UploadPaths)
        {
            if (path.StartsWith(prefix, StringComparison.Ordinal))
                return true;
        }

        return false;
    }
}
