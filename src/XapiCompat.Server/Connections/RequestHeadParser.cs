using System.Buffers;
using System.Text;

namespace XapiCompat.Server.Connections;

/// <summary>
/// Reads a request head in the one way that leaves no room for a second reading. What is not perfectly clean is not
/// parsed at all and goes to the HTTP layer, which refuses it.
/// </summary>
internal static class RequestHeadParser
{
    public const int MaxHeadBytes = 32 * 1024;
    private const int MaxHeaders = 100;

    private static readonly SearchValues<char> TokenChars =
        SearchValues.Create("!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz");

    /// <param name="head">All bytes before the empty line, without the CRLF pair that ends them.</param>
    /// <returns>Null when anything is unusual.</returns>
    public static RequestHead? Parse(ReadOnlySpan<byte> head)
    {
        foreach (var b in head)
        {
            if (b is (< 0x20 or > 0x7E) and not ((byte)'\r' or (byte)'\n'))
                return null;
        }

        var lines = Encoding.ASCII.GetString(head).Split("\r\n");
        if (lines.Length > MaxHeaders + 1 || lines.Any(line => line.AsSpan().IndexOfAny('\r', '\n') >= 0))
            return null;
        var request = lines[0].Split(' ');
        if (request.Length != 3 || !request[1].StartsWith('/') || request[2] is not ("HTTP/1.0" or "HTTP/1.1"))
            return null;

        var headers = new List<KeyValuePair<string, string>>(lines.Length - 1);
        foreach (var line in lines.AsSpan(1))
        {
            var colon = line.IndexOf(':', StringComparison.Ordinal);
            if (colon <= 0 || line.AsSpan(0, colon).ContainsAnyExcept(TokenChars))
                return null;
            var name = line[..colon];
            if (DecidesLength(name) && headers.Any(h => h.Key.Equals(name, StringComparison.OrdinalIgnoreCase)))
                return null;
            headers.Add(new(name, line[(colon + 1)..].Trim(' ')));
        }

        return new RequestHead(request[0], request[1], request[2], headers);
    }

    private static bool DecidesLength(string name) =>
        name.Equals("Content-Length", StringComparison.OrdinalIgnoreCase)
        || name.Equals("Transfer-Encoding", StringComparison.OrdinalIgnoreCase);
}
