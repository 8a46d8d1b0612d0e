using System.Globalization;
using System.Text;
using XapiCompat.Wire.XeCli;
using XapiCompat.Xe.Options;

namespace XapiCompat.Xe.Dialogue;

/// <summary>The request that opens a conversation: a head like that of HTTP, and the arguments line by line.</summary>
internal static class CommandRequest
{
    public static byte[] Bytes(XeOptions options)
    {
        var body = new StringBuilder();
        foreach (var argument in options.Arguments)
            body.Append(argument).Append('\n');
        body.Append("username=").Append(options.User).Append("\npassword=").Append(options.Password);
        var arguments = body.ToString();

        var head = new StringBuilder("POST /cli HTTP/1.0\r\n");
        head.Append(CultureInfo.InvariantCulture, $"User-agent: xe-cli/Unix/{XeGreeting.Current.Major}.{XeGreeting.Current.Minor}\r\n");
        head.Append("originator: cli\r\n");
        Field(head, "traceparent", options.TraceParent);
        Field(head, "baggage", options.Baggage);
        head.Append(CultureInfo.InvariantCulture, $"content-length: {Encoding.UTF8.GetByteCount(arguments)}\r\n\r\n");
        return Encoding.UTF8.GetBytes(head.Append(arguments).ToString());
    }

    private static void Field(StringBuilder head, string name, string? value)
    {
        if (value is null)
            return;
        if (value.AsSpan().ContainsAny('\r', '\n'))
            throw new XeFailure($"Error: {name} has more than one line\n");
        head.Append(name).Append(": ").Append(value).Append("\r\n");
    }
}
