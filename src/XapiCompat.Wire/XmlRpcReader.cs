using System.Text;
using XapiCompat.Values;

namespace XapiCompat.Wire;

/// <summary>Reads a single value, such as the text of <c>task.result</c>.</summary>
public static class XmlRpcReader
{
    private static readonly RpcReadLimits Limits = new() { InitialBytes = long.MaxValue, AllowedBytes = (_, _) => long.MaxValue };

    /// <summary>Parses <c>&lt;value&gt;…&lt;/value&gt;</c>.</summary>
    /// <exception cref="RpcReadException">The text is no value.</exception>
    public static XenValue ParseValue(string text) => ParseValue(Encoding.UTF8.GetBytes(text));

    /// <inheritdoc cref="ParseValue(string)"/>
    public static XenValue ParseValue(ReadOnlySpan<byte> utf8)
    {
        var parser = XmlCallParser.Rent(Limits, XmlElement.Value);
        try
        {
            parser.Feed(utf8);
            return parser.FinishValue();
        }
        finally
        {
            parser.Return();
        }
    }
}
