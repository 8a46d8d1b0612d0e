namespace XapiCompat.Server.HttpActions;

/// <summary>Parameters from query and cookie. Of several with one name the first counts.</summary>
internal sealed class RequestParameters
{
    private readonly List<KeyValuePair<string, string>> _query;
    private readonly List<KeyValuePair<string, string>> _cookie;

    public RequestParameters(HttpRequest request)
    {
        _query = Pairs((request.QueryString.Value ?? "").TrimStart('?'), '&');
        _cookie = Pairs(string.Join(';', request.Headers.Cookie.ToArray()), ';', '&');
    }

    /// <summary>For what names the caller and the task.</summary>
    public string? CookieFirst(string name) => Find(_cookie, name) ?? Find(_query, name);

    /// <summary>For what names the object.</summary>
    public string? QueryFirst(string name) => Find(_query, name) ?? Find(_cookie, name);

    private static string? Find(List<KeyValuePair<string, string>> pairs, string name)
    {
        foreach (var (key, value) in pairs)
        {
            if (key == name)
                return value;
        }

        return null;
    }

    private static List<KeyValuePair<string, string>> Pairs(string text, params char[] separators)
    {
        var pairs = new List<KeyValuePair<string, string>>();
        foreach (var part in text.Split(separators, StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries))
        {
            var equals = part.IndexOf('=', StringComparison.Ordinal);
            var (name, value) = equals < 0 ? (part, "") : (part[..equals], part[(equals + 1)..]);
            pairs.Add(new(Uri.UnescapeDataString(name), Uri.UnescapeDataString(value)));
        }

        return pairs;
    }
}
