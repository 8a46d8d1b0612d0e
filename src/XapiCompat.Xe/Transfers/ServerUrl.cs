using XapiCompat.Xe.Options;

namespace XapiCompat.Xe.Transfers;

/// <summary>Where a transfer goes. A port in a url does not count.</summary>
internal readonly record struct ServerUrl(string Server, string Path)
{
    private const string Secure = "https://";

    /// <summary>A url of https names its server, and its path is percent-decoded; all else is a path on the server of the command, as it is.</summary>
    public static ServerUrl Of(string url, XeOptions options)
    {
        if (!url.StartsWith(Secure, StringComparison.OrdinalIgnoreCase))
            return new(options.Server, Clean(url));
        var rest = url[Secure.Length..];
        var slash = rest.AsSpan().IndexOfAny('/', '?');
        var authority = slash < 0 ? rest : rest[..slash];
        var path = slash < 0 ? "" : rest[slash..];
        authority = authority[(authority.LastIndexOf('@') + 1)..];
        var colon = authority.LastIndexOf(':');
        if (colon > authority.LastIndexOf(']'))
            authority = authority[..colon];
        return authority.Length == 0 ? new(options.Server, Clean(url)) : new(authority, Clean(Uri.UnescapeDataString(path)));
    }

    /// <summary>A line end in a path would be the end of the request line.</summary>
    private static string Clean(string path) =>
        path.AsSpan().ContainsAny('\r', '\n') ? throw new XeFailure("Error: the server named a url with a line end.\n") : path;
}
