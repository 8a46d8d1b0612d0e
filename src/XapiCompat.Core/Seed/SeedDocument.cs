using System.Reflection;
using System.Text.Json;
using XapiCompat.Datamodel;
using XapiCompat.Values;

namespace XapiCompat.Core.Seed;

/// <summary>
/// A seed as it is written: plain data, built in by name or read from a file. One may extend another: its objects are
/// added, those of a known name change the fields that they give, and <c>remove</c> takes objects away.
/// </summary>
public sealed class SeedDocument
{
    private const int MaxExtensions = 8;
    private static readonly string[] Members = ["format", "note", "profile", "extends", "counts", "remove", "objects"];

    private readonly Dictionary<string, SeedObject> _objects = new(StringComparer.Ordinal);

    private SeedDocument()
    {
    }

    /// <summary>In the order of the seed.</summary>
    public IReadOnlyCollection<SeedObject> Objects => _objects.Values;

    /// <summary>What the seed says for itself; the command line goes before it.</summary>
    public SeedOptions Options { get; private set; } = new();

    /// <summary>Names of the built-in seeds.</summary>
    public static IEnumerable<string> BuiltIn => Assembly.GetExecutingAssembly().GetManifestResourceNames()
        .Where(n => n.StartsWith("seeds/", StringComparison.Ordinal))
        .Select(n => n["seeds/".Length..^".json".Length])
        .Order(StringComparer.Ordinal);

    /// <summary>Reads a seed and what it extends. Throws <see cref="SeedException"/> with one line.</summary>
    public static SeedDocument Load(string source)
    {
        var seed = new SeedDocument();
        seed.Read(source, 0);
        return seed;
    }

    private void Read(string source, int depth)
    {
        if (depth > MaxExtensions)
            throw new SeedException("the seed " + source + " extends itself");
        using var document = Open(source);
        try
        {
            Apply(source, document.RootElement, depth);
        }
        catch (Exception e) when (e is InvalidOperationException or KeyNotFoundException or FormatException)
        {
            throw new SeedException("the seed " + source + " has not the form that it should have: " + e.Message);
        }
    }

    private void Apply(string source, JsonElement root, int depth)
    {
        if (root.ValueKind != JsonValueKind.Object || !root.TryGetProperty("format", out var format) || format.GetInt32() != 1)
            throw new SeedException("the seed " + source + " is not of format 1");
        if (root.EnumerateObject().Select(m => m.Name).FirstOrDefault(n => !Members.Contains(n)) is { } unknown)
            throw new SeedException("the seed " + source + " has an unknown member " + unknown);
        if (root.TryGetProperty("extends", out var extended))
            Read(Beside(source, extended.GetString()!), depth + 1);
        var counts = root.TryGetProperty("counts", out var given) ? Counts(source, given) : new();
        Options = (counts with { Profile = root.TryGetProperty("profile", out var profile) ? profile.GetString() : null }).Over(Options);
        if (root.TryGetProperty("remove", out var remove))
        {
            foreach (var symbol in remove.EnumerateArray().Select(r => r.GetString()!))
            {
                if (!_objects.Remove(symbol))
                    throw new SeedException("the seed " + source + " removes " + symbol + ", which is not there");
            }
        }

        if (root.TryGetProperty("objects", out var objects))
        {
            foreach (var entry in objects.EnumerateArray())
                Add(source, entry);
        }
    }

    private void Add(string source, JsonElement entry)
    {
        var symbol = entry.GetProperty("ref").GetString()!;
        var @class = entry.GetProperty("class").GetString()!;
        if (!symbol.StartsWith('$'))
            throw new SeedException("the seed " + source + " names an object " + symbol + ": names begin with $");
        var fields = new Dictionary<string, XenValue>(StringComparer.Ordinal);
        if (_objects.TryGetValue(symbol, out var known))
        {
            if (known.Class != @class)
                throw new SeedException("the seed " + source + " makes " + symbol + " a " + @class + ", but it is a " + known.Class);
            fields = new(known.Fields, StringComparer.Ordinal);
        }

        foreach (var member in entry.GetProperty("fields").EnumerateObject())
            fields[member.Name] = JsonValues.Read(member.Value);
        _objects[symbol] = new(@class, symbol, fields);
    }

    private static SeedOptions Counts(string source, JsonElement counts)
    {
        var options = new SeedOptions();
        foreach (var member in counts.EnumerateObject())
        {
            var count = member.Value.GetInt32();
            options = member.Name switch
            {
                _ when count < 0 => throw new SeedException("the seed " + source + " has a negative count " + member.Name),
                "hosts" => options with { Hosts = count },
                "srs" => options with { Srs = count },
                "vms" => options with { Vms = count },
                "vdis" => options with { Vdis = count },
                "snapshots-per-vdi" => options with { SnapshotsPerVdi = count },
                _ => throw new SeedException("the seed " + source + " has an unknown count " + member.Name),
            };
        }

        return options;
    }

    private static bool IsPath(string source) => source.Contains('/', StringComparison.Ordinal) || source.EndsWith(".json", StringComparison.Ordinal);

    /// <summary>A file names other files relative to itself.</summary>
    private static string Beside(string source, string other) =>
        IsPath(source) && IsPath(other) ? Path.Combine(Path.GetDirectoryName(Path.GetFullPath(source))!, other) : other;

    private static JsonDocument Open(string source)
    {
        try
        {
            using var stream = IsPath(source)
                ? File.OpenRead(source)
                : Assembly.GetExecutingAssembly().GetManifestResourceStream("seeds/" + source + ".json")
                    ?? throw new SeedException("there is no seed " + source + " (built in: " + string.Join(' ', BuiltIn) + "; a file has a / or ends in .json)");
            return JsonDocument.Parse(stream, new() { AllowTrailingCommas = true, CommentHandling = JsonCommentHandling.Skip });
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or JsonException)
        {
            throw new SeedException("the seed " + source + " cannot be read: " + e.Message);
        }
    }
}
