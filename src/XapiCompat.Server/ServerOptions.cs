using System.Globalization;
using System.Net;
using XapiCompat.Core.Laboratory;
using XapiCompat.Core.Machines;
using XapiCompat.Core.Seed;
using XapiCompat.Storage;

namespace XapiCompat.Server;

/// <summary>What the command line says.</summary>
public sealed record ServerOptions
{
    public const string DefaultPassword = "xapicompat";
    public const string PasswordVariable = "XAPICOMPAT_PASSWORD";
    public const int DefaultNbdPort = 10809;
    public const string CallsVariable = "XAPICOMPAT_CALLS";

    /// <summary>Clear listener; null is off. Port 0 takes a free one.</summary>
    public IPEndPoint? Http { get; init; } = new(IPAddress.Loopback, 8080);

    public IPEndPoint? Https { get; init; } = new(IPAddress.Loopback, 8443);

    /// <summary>Listener for NBD clients; null is off. Port 0 takes a free one.</summary>
    public IPEndPoint? Nbd { get; init; }

    /// <summary>Takes a free port when the one of <see cref="Nbd"/> is taken.</summary>
    public bool NbdPortMayDiffer { get; init; }

    /// <summary>Everything that outlives the process lies here.</summary>
    public string State { get; init; } = "state";

    public string User { get; init; } = "root";

    /// <summary>Null: the one that was set over the API last, else the default.</summary>
    public string? Password { get; init; }

    /// <summary>JSON file of local users beside the superuser; null: none.</summary>
    public string? Users { get; init; }

    /// <summary>Path of a local socket whose callers are trusted; null is off.</summary>
    public string? Unix { get; init; }

    /// <summary>A session that nobody uses for so long ends.</summary>
    public TimeSpan SessionIdle { get; init; } = TimeSpan.FromHours(24);

    /// <summary>A failed login is answered after it; zero: at once.</summary>
    public TimeSpan LoginPause { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>How long event.from collects more changes after the first one.</summary>
    public TimeSpan EventDelay { get; init; }

    /// <summary>A transfer that moves no byte for so long is cut.</summary>
    public TimeSpan TransferIdle { get; init; } = TimeSpan.FromMinutes(15);

    /// <summary>Bases are merged when an SR has been quiet for so long.</summary>
    public TimeSpan CollectorDelay { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>Sync to disk at every commit and snapshot, so that a power cut loses nothing either.</summary>
    public bool Durable { get; init; }

    /// <summary>Refuse create records that lack required members, as the real server does.</summary>
    public bool Strict { get; init; }

    /// <summary>Puts something between the host and its storage plugins; for tests that make storage fail.</summary>
    public Func<IStoragePlugin, IStoragePlugin> WrapStorage { get; init; } = plugin => plugin;

    /// <summary>How long simulated guests take for each step.</summary>
    public SimulatedDurations VmDurations { get; init; } = new();

    /// <summary>What a first start makes; a later one must not say otherwise.</summary>
    public SeedOptions Seed { get; init; } = new();

    /// <summary>Addresses of the pool's other hosts, for listeners that are not on 127.0.0.x.</summary>
    public IReadOnlyList<IPAddress> MemberAddresses { get; init; } = [];

    /// <summary>Directories below which SRs may be made, beside the state directory's own.</summary>
    public IReadOnlyList<string> SrRoots { get; init; } = [];

    /// <summary>The tree laboratory; null when it is off, as it is in production.</summary>
    public Laboratory? Lab { get; init; }

    /// <summary>A file that gets the names of the messages that clients had answered with success; null is none.</summary>
    public string? CallLog { get; init; }

    private static readonly Option[] Known =
    [
        new("--http", (o, text, name) => o with { Http = Endpoint(name, text) }),
        new("--https", (o, text, name) => o with { Https = Endpoint(name, text) }),
        new("--nbd", (o, text, name) => o with { Nbd = text == "none" ? null : Endpoint(name, text), NbdPortMayDiffer = false }),
        new("--state", (o, text, _) => o with { State = text }),
        new("--password", (o, text, _) => o with { Password = text }),
        new("--users", (o, text, _) => o with { Users = text }),
        new("--unix", (o, text, _) => o with { Unix = text == "off" ? null : text }),
        new("--session-idle", (o, text, name) => o with { SessionIdle = Seconds(name, text) }),
        new("--login-pause", (o, text, name) => o with { LoginPause = Seconds(name, text, least: 0) }),
        new("--event-delay", (o, text, name) => o with { EventDelay = Milliseconds(name, text) }),
        new("--transfer-idle", (o, text, name) => o with { TransferIdle = Seconds(name, text) }),
        new("--gc-delay", (o, text, name) => o with { CollectorDelay = Seconds(name, text, least: 0) }),
        new("--vm-durations", (o, text, name) => o with { VmDurations = Durations(name, text) }),
        new("--sr-root", (o, text, name) => o with { SrRoots = [.. o.SrRoots, ExistingDirectory(name, text)] }),
        Option.Flag("--durable", o => o with { Durable = true }),
        Option.Flag("--lab", o => o with { Lab = new() }),
        Option.Flag("--strict", o => o with { Strict = true }),
        new("--seed", (o, text, _) => o with { Seed = o.Seed with { Source = text } }),
        new("--profile", (o, text, _) => o with { Seed = o.Seed with { Profile = text } }),
        new("--hosts", (o, text, name) => o with { Seed = o.Seed with { Hosts = Count(name, text) } }),
        new("--srs", (o, text, name) => o with { Seed = o.Seed with { Srs = Count(name, text) } }),
        new("--vms", (o, text, name) => o with { Seed = o.Seed with { Vms = Count(name, text) } }),
        new("--vdis", (o, text, name) => o with { Seed = o.Seed with { Vdis = Count(name, text) } }),
        new("--snapshots-per-vdi", (o, text, name) => o with { Seed = o.Seed with { SnapshotsPerVdi = Count(name, text) } }),
        new("--seed-number", (o, text, name) => o with { Seed = o.Seed with { Number = Count(name, text) } }),
        new("--member-addresses", (o, text, name) => o with { MemberAddresses = Addresses(name, text) }),
    ];

    /// <summary>Reads the command line; throws <see cref="StartFailure"/> with one clear line.</summary>
    public static ServerOptions Parse(IReadOnlyList<string> arguments, Func<string, string?> environment)
    {
        // Servers beside each other are common, and clients learn the NBD port from the server: this one listener finds its place.
        var options = new ServerOptions { Nbd = new(IPAddress.Loopback, DefaultNbdPort), NbdPortMayDiffer = true, Password = environment(PasswordVariable) is { Length: > 0 } given ? given : null };
        for (var i = 0; i < arguments.Count; i++)
        {
            var (name, inline) = arguments[i].IndexOf('=', StringComparison.Ordinal) is > 0 and var at
                ? (arguments[i][..at], arguments[i][(at + 1)..])
                : (arguments[i], null);
            var option = Array.Find(Known, o => o.Name == name)
                ?? throw new StartFailure("unknown option " + name + " (known: " + string.Join(' ', Known.Select(o => o.Name)) + ")");
            var value = inline;
            if (option.TakesValue)
                value ??= ++i < arguments.Count ? arguments[i] : throw new StartFailure(name + " needs a value");
            options = option.Apply(options, value ?? "", name);
        }

        Check(options);
        return environment(CallsVariable) is { Length: > 0 } calls ? options with { CallLog = calls } : options;
    }

    private static void Check(ServerOptions options)
    {
        if (options.Http is null && options.Https is null && options.Unix is null)
            throw new StartFailure("all listeners are off");
        if (options.Password?.Length == 0)
            throw new StartFailure("the password is empty");
        var open = new[] { options.Http, options.Https, options.Nbd }.OfType<IPEndPoint>().FirstOrDefault(e => !IPAddress.IsLoopback(e.Address));
        if (options.Password is null or DefaultPassword && open is not null)
            throw new StartFailure("the default password is accepted on loopback listeners only; give --password or " + PasswordVariable + " for " + open);
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

    private static string ExistingDirectory(string name, string text) =>
        Directory.Exists(text) ? Path.GetFullPath(text) : throw new StartFailure(name + " takes a directory that exists, not " + text);

    private static TimeSpan Seconds(string name, string text, int least = 1) =>
        int.TryParse(text, out var seconds) && seconds >= least ? TimeSpan.FromSeconds(seconds) : throw new StartFailure(name + " takes a number of seconds, not " + text);

    private static TimeSpan Milliseconds(string name, string text) =>
        int.TryParse(text, out var milliseconds) && milliseconds is >= 0 and <= 10_000
            ? TimeSpan.FromMilliseconds(milliseconds)
            : throw new StartFailure(name + " takes a number of milliseconds up to 10000, not " + text);

    private static SimulatedDurations Durations(string name, string text) =>
        SimulatedDurations.Parse(text) ?? throw new StartFailure(name + " takes seconds, or STEP=SECONDS,... with the steps start, shutdown, reboot, pause, suspend, resume, migrate, tools, acknowledge; not " + text);

    private static int Count(string name, string text) =>
        int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var count) ? count : throw new StartFailure(name + " takes a number, not " + text);

    private static IPAddress[] Addresses(string name, string text) =>
        [.. text.Split(',').Select(a => IPAddress.TryParse(a, out var address) ? address : throw new StartFailure(name + " takes addresses separated by commas, not " + text))];

    /// <param name="Apply">From the options so far, the text given and the name used, which errors repeat.</param>
    private sealed record Option(string Name, Func<ServerOptions, string, string, ServerOptions> Apply, bool TakesValue = true)
    {
        public static Option Flag(string name, Func<ServerOptions, ServerOptions> apply) => new(name, (o, _, _) => apply(o), TakesValue: false);
    }
}

/// <summary>The server cannot start; the message is the one line that the user sees.</summary>
public sealed class StartFailure(string message) : Exception(message);
