namespace XapiCompat.XeCli.Arguments;

/// <summary>What was typed: a command and its parameters.</summary>
internal sealed record CommandLine(string Command, XeParameters Parameters)
{
    private const string SessionPrefix = "session_id=";

    private static readonly Dictionary<string, string> Switches = new(StringComparer.Ordinal)
    {
        ["-u"] = "username",
        ["-pw"] = "password",
        ["-s"] = "server",
        ["-h"] = "server",
        ["-p"] = "port",
    };

    /// <summary>Lines of the request's body; a session to use in place of a login may stand first.</summary>
    public static (string? Session, IReadOnlyList<string> Arguments) Split(string body)
    {
        var lines = body.Split('\n');
        for (var i = 0; i < lines.Length; i++)
        {
            if (lines[i].EndsWith('\r'))
                lines[i] = lines[i][..^1];
        }

        return lines[0].StartsWith(SessionPrefix, StringComparison.Ordinal) ? (lines[0][SessionPrefix.Length..], lines[1..]) : (null, lines);
    }

    /// <exception cref="XeSyntaxException">No command, or a switch that is unknown or lacks its value.</exception>
    public static CommandLine Parse(IReadOnlyList<string> arguments)
    {
        if (arguments.Count == 0 || arguments[0].Length == 0 || arguments[0].Contains('=', StringComparison.Ordinal))
            throw new XeSyntaxException();
        var pairs = new List<KeyValuePair<string, string>>(arguments.Count);
        for (var i = 1; i < arguments.Count; i++)
        {
            var argument = arguments[i];
            if (argument.StartsWith("--", StringComparison.Ordinal))
            {
                pairs.Add(new(argument[2..], "true"));
            }
            else if (argument.StartsWith('-'))
            {
                if (!Switches.TryGetValue(argument, out var name) || ++i == arguments.Count)
                    throw new XeSyntaxException();
                pairs.Add(new(name, arguments[i]));
            }
            else
            {
                var equals = argument.IndexOf('=', StringComparison.Ordinal);
                pairs.Add(equals < 0 ? new(argument, "") : new(argument[..equals], argument[(equals + 1)..]));
            }
        }

        return new(arguments[0], new(pairs));
    }
}
