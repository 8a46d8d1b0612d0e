using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using XapiCompat.Datamodel;
using XapiCompat.Server.Tests.Support;

namespace XapiCompat.Server.Tests.Api.Negative;

/// <summary>Reads the <c>*.cases</c> files of this folder; README.md there describes them.</summary>
internal static partial class NegativeTables
{
    private static readonly Model Model = Model.Load();

    public static IReadOnlyList<NegativeCase> Load() =>
        [.. Directory.EnumerateFiles(Repository.File("tests", "XapiCompat.Server.Tests", "Api", "Negative"), "*.cases").Order(StringComparer.Ordinal).SelectMany(Read)];

    private static IEnumerable<NegativeCase> Read(string path)
    {
        var loops = new List<IReadOnlyList<IReadOnlyDictionary<string, string>>>();
        var number = 0;
        foreach (var raw in File.ReadLines(path))
        {
            number++;
            var line = raw.Trim();
            if (line.Length == 0)
            {
                loops.Clear();
            }
            else if (line.StartsWith("for ", StringComparison.Ordinal))
            {
                loops.Add([.. Rows(line[4..])]);
            }
            else if (line[0] != '#')
            {
                foreach (var row in Product(loops))
                {
                    var origin = Path.GetFileName(path) + ":" + number;
                    yield return Parse(origin, Variable().Replace(line, m => row.TryGetValue(NameOf(m), out var value) ? value : m.Value));
                }
            }
        }
    }

    /// <summary><c>a, b: 1 2 ; 3 4</c>: two variables, two rows. <c>_</c> is the empty text.</summary>
    private static IEnumerable<IReadOnlyDictionary<string, string>> Rows(string text)
    {
        var (names, rows) = Split(text, ":");
        var variables = names.Split(',', StringSplitOptions.TrimEntries);
        var values = rows.StartsWith('@')
            ? Generated(rows)
            : rows.Split(';', StringSplitOptions.TrimEntries).Select(r => r.Split(' ', StringSplitOptions.RemoveEmptyEntries));
        foreach (var row in values)
        {
            if (row.Length != variables.Length)
                throw new InvalidDataException("a row of another length: " + string.Join(' ', row) + " in " + text);
            yield return variables.Zip(row).ToDictionary(p => p.First, p => p.Second == "_" ? "" : p.Second, StringComparer.Ordinal);
        }
    }

    /// <summary>Rows that come from the datamodel.</summary>
    private static IEnumerable<string[]> Generated(string name) => name switch
    {
        "@removed" => Model.Messages.Where(m => m.Removed && m.NeedsSession && m.FullName != "VM.snapshot_with_quiesce").Select(m => (string[])[m.FullName]),
        "@records" => Model.Messages.Where(m => m.Name == "get_record" && m.Kind != MessageKind.Explicit && !m.Removed).Select(m => (string[])[m.Class.Name]),
        "@uuids" => Model.Messages.Where(m => m.Name == "get_by_uuid" && m.Kind != MessageKind.Explicit && !m.Removed).Select(m => (string[])[m.Class.Name]),
        "@required" => Constructors().SelectMany(c => c.RequiredMembers.Select(m => (string[])[c.Name, m])),
        "@members" => Constructors().SelectMany(c => c.RequiredMembers.Where(m => c.Find(m)!.Type is not (SetType or MapType)).Select(m => (string[])[c.Name, m])),
        _ => throw new InvalidDataException("no such rows: " + name),
    };

    private static IEnumerable<ClassDef> Constructors() => Model.Classes.Where(c => c.RequiredMembers.Count > 0 && Model.FindMessage(c.Name + ".create") is { Removed: false });

    private static IEnumerable<IReadOnlyDictionary<string, string>> Product(List<IReadOnlyList<IReadOnlyDictionary<string, string>>> loops)
    {
        IEnumerable<IReadOnlyDictionary<string, string>> all = [new Dictionary<string, string>()];
        foreach (var loop in loops)
            all = all.SelectMany(_ => loop, (outer, inner) => (IReadOnlyDictionary<string, string>)outer.Concat(inner).ToDictionary(StringComparer.Ordinal));
        return all;
    }

    private static NegativeCase Parse(string origin, string line)
    {
        try
        {
            var (call, rest) = Split(line, " -> ");
            var (expected, options) = rest.Contains(" ~ ", StringComparison.Ordinal) ? Split(rest, " ~ ") : (rest, "");
            var (message, arguments) = call.Contains(' ', StringComparison.Ordinal) ? Split(call, " ") : (call, "");
            var flags = options.Split(' ', StringSplitOptions.RemoveEmptyEntries);
            var session = Array.Find(flags, f => f.StartsWith("session=", StringComparison.Ordinal))?["session=".Length..];
            if (flags.Any(f => f is not ("now" or "sync" or "marks") && !f.StartsWith("session=", StringComparison.Ordinal)))
                throw new InvalidDataException("unknown option in: " + options);
            return new(
                origin,
                message,
                arguments == "neutral" ? null : JsonNode.Parse("[" + arguments + "]")!.AsArray(),
                expected.Split('|', StringSplitOptions.TrimEntries),
                flags.Contains("now"),
                session,
                flags.Contains("sync"),
                flags.Contains("marks"));
        }
        catch (Exception e) when (e is System.Text.Json.JsonException or InvalidDataException)
        {
            throw new InvalidDataException(origin + ": " + line, e);
        }
    }

    internal static string NameOf(Match variable) => variable.Groups[1].Success ? variable.Groups[1].Value : variable.Groups[2].Value;

    private static (string First, string Second) Split(string text, string separator)
    {
        var at = text.IndexOf(separator, StringComparison.Ordinal);
        return at < 0 ? throw new InvalidDataException("no '" + separator + "' in: " + text) : (text[..at].Trim(), text[(at + separator.Length)..].Trim());
    }

    /// <summary><c>$name</c>, or <c>${name}</c> before letters.</summary>
    [GeneratedRegex(@"\$(?:([A-Za-z_][A-Za-z0-9_]*)|\{([A-Za-z_][A-Za-z0-9_]*)\})")]
    internal static partial Regex Variable();
}
