namespace XapiCompat.Server.Connections;

/// <summary>The head of a request that passed the strict parser.</summary>
/// <param name="Target">Path with query, as sent.</param>
/// <param name="Version">Exactly <c>HTTP/1.0</c> or <c>HTTP/1.1</c>.</param>
/// <param name="Headers">In order of arrival; values without surrounding blanks.</param>
internal sealed record RequestHead(
    string Method, string Target, string Version, IReadOnlyList<KeyValuePair<string, string>> Headers)
{
    public string Path => Target.Split('?', 2)[0];

    public string Query => Target.Contains('?', StringComparison.Ordinal) ? Target[Target.IndexOf('?', StringComparison.Ordinal)..] : "";

    public string? Header(string name)
    {
        foreach (var (key, value) in Headers)
        {
            if (key.Equals(name, StringComparison.OrdinalIgnoreCase))
                return value;
        }

        return null;
    }
}
