using System.Net;

namespace XapiCompat.Server;

/// <summary>What the command line says.</summary>
public sealed record ServerOptions
{
    public const string DefaultPassword = "xapicompat";
    public const string PasswordVariable = "XAPICOMPAT_PASSWORD";

    /// <summary>Clear listener; null is off. Port 0 takes a free one.</summary>
    public IPEndPoint? Http { get; init; } = new(IPAddress.Loopback, 8080);

    public IPEndPoint? Https { get; init; } = new(IPAddress.Loopback, 8443);

    /// <summary>Everything that outlives the process lies here.</summary>
    public string State { get; init; } = "state";

    public string User { get; init; } = "root";

    public string Password { get; init; } = DefaultPassword;

    /// <summary>A transfer that moves no byte for so long is cut.</summary>
    public TimeSpan TransferIdle { get; init; } = TimeSpan.FromMinutes(15);

    /// <summary>Sync to disk at every commit and snapshot, so that a power cut loses nothing either.</summary>
    public bool Durable { get; init; }

    /// <summary>Refuse create records that lack required members, as the real server does.</summary>
    public bool Strict { get; init; }

    /// <summary>Reads the command line; throws <see cref="StartFailure"/> with one clear line.</summary>
    public static ServerOptions Parse(IReadOnlyList<string> arguments, Func<string, string?> environment)
    {
        var options = new ServerOptions { Password = environment(PasswordVariable) is { Length: > 0 } given ? given : DefaultPassword };
        for (var i = 0; i < arguments.Count; i++)
        {
            var (name, inline) = arguments[i].IndexOf('=', StringComparison.Ordinal) is > 0 and var at
                ? (arguments[i][..at], arguments[i][(at + 1)..])
                : (arguments[i], null);
            string Value() => inline ?? (++i < arguments.Count ? arguments[i] : throw new StartFailure(name + " needs a value"));
            options = name switch
            {
                "--http" => options with { Http = Endpoint(name, Value()) },
                "--https" => options with { Https = Endpoint(name, Value()) },
                "--state" => options with { State = Value() },
                "--password" => options with { Password = Value() },
                "--transfer-idle" => options with { TransferIdle = Seconds(name, Value()) },
                "--durable" => options with { Durable = true },
                "--strict" => options with { Strict = true },
                _ => throw new StartFailure("unknown option " + name + " (known: --http --https --state --password --transfer-idle --durable --strict)"),
            };
        }

        if (options.Http is null && options.Https is null)
            throw new StartFailure("both listeners are off");
        if (options.Password.Length == 0)
            throw new StartFailure("the password is empty");
        var open = new[] { options.Http, options.Https }.OfType<IPEndPoint>().FirstOrDefault(e => !IPAddress.IsLoopback(e.Address));
        if (options.Password == DefaultPassword && open is not null)
            throw new StartFailure("the default password is accepted on loopback listeners only; give --password or " + PasswordVariable + " for " + open);
        return options;
    }

    private static IPEndPoint? Endpoint(string name, string text)
    {
        if (text == "off")
            return null;
        var separator = text.LastIndexOf(':');
        if (separator > 0
            && IPAddress.TryParse(text[..separator] is "localhost" ? "127.0.0.1" : text[..separator].Trim('[', ']'), out var address)
            && ushort.TryParse(text[(separator + 1)..], out var port))
            return new(address, port);
        throw new StartFailure(name + " takes ADDRESS:PORT or off, not " + text);
    }

    private static TimeSpan Seconds(string name, string text) =>
        int.TryParse(text, out var seconds) && seconds > 0 ? TimeSpan.FromSeconds(seconds) : throw new StartFailure(name + " takes a number of seconds, not " + text);
}

/// <summary>The server cannot start; the message is the one line that the user sees.</summary>
public sealed class StartFailure(string message) : Exception(message);
