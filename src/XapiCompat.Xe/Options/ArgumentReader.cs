using System.Globalization;

namespace XapiCompat.Xe.Options;

/// <summary>Takes the client's own options out of a list of arguments.</summary>
internal sealed class ArgumentReader(XeOptions options)
{
    /// <summary>Sets what is known; the rest comes back in its order.</summary>
    public List<string> Take(IReadOnlyList<string> arguments)
    {
        var rest = new List<string>();
        for (var i = 0; i < arguments.Count; i++)
        {
            var argument = arguments[i];
            if (Switch(argument) is { } name)
            {
                Set(name, "true");
            }
            else if (WithValue(argument) is { } key && i + 1 < arguments.Count)
            {
                Set(key, arguments[++i]);
            }
            else
            {
                var at = argument.IndexOf('=', StringComparison.Ordinal);
                if (at < 0 || !Set(argument[..at], argument[(at + 1)..]))
                    rest.Add(argument);
            }
        }

        return rest;
    }

    /// <summary>False when the client has no option of this name.</summary>
    public bool Set(string name, string value)
    {
        switch (name)
        {
            case "server": options.Server = value; return true;
            case "port": options.Port = PortOf(value); return true;
            case "username": options.User = value; return true;
            case "password": options.Password = value; return true;
            case "passwordfile": options.PasswordFile = value; return true;
            case "nossl": options.Tls = !Flag(name, value); return true;
            case "verify": options.Verify = Flag(name, value); return true;
            case "cacert": options.TrustedFile = value; options.Verify = true; return true;
            case "debug": options.Debug = value == "true"; return true;
            case "debugonfail": options.DebugOnFail = value == "true"; return true;
            case "traceparent": options.TraceParent = value; return true;
            default: return false;
        }
    }

    private static string? Switch(string argument) => argument switch
    {
        "--nossl" => "nossl",
        "--verify" => "verify",
        "--debug" => "debug",
        "--debug-on-fail" => "debugonfail",
        _ => null,
    };

    private static string? WithValue(string argument) => argument switch
    {
        "-s" or "-h" => "server",
        "-p" => "port",
        "-u" => "username",
        "-pw" => "password",
        "-pwf" => "passwordfile",
        "--cacert" => "cacert",
        "--traceparent" => "traceparent",
        _ => null,
    };

    private static int PortOf(string value) =>
        int.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out var port) && port <= 65535
            ? port
            : throw new XeFailure("Port number must be an integer (0-65535)\n", withUsage: true);

    private static bool Flag(string name, string value) => value switch
    {
        "true" => true,
        "false" => false,
        _ => throw new XeFailure($"Error: {name} is true or false, not '{value}'\n"),
    };
}
