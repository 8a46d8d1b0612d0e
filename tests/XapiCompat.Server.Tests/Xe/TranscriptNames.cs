using System.Text.RegularExpressions;

namespace XapiCompat.Server.Tests.Xe;

/// <summary>
/// What <c>{…}</c> stands for in a transcript. In answers the first <c>{name}</c> takes the uuid that it meets, every later
/// one must be that uuid; <c>{name:time}</c>, <c>{name:number}</c>, <c>{name:mac}</c>, <c>{name:any}</c> take other texts.
/// <c>{uuid}</c>, <c>{time}</c>, <c>{number}</c>, <c>{any}</c> and <c>{ref}</c> accept such a text and forget it; <c>{cr}</c>
/// is the sign that returns to the start of a line; <c>{}</c> is nothing and keeps blanks at the end of a line in sight. In commands a name is replaced by what it took.
/// </summary>
internal sealed partial class TranscriptNames
{
    private static readonly Dictionary<string, string> Kinds = new(StringComparer.Ordinal)
    {
        ["uuid"] = "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}",
        ["time"] = "[0-9]{8}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z",
        ["number"] = "-?[0-9]+(?:\\.[0-9]+)?",
        ["mac"] = "(?:[0-9a-f]{2}:){5}[0-9a-f]{2}",
        ["ref"] = "OpaqueRef:[0-9a-zA-Z-]+",
        ["any"] = ".*?",
        ["cr"] = "\r",
    };

    private readonly Dictionary<string, string> _values = new(StringComparer.Ordinal);

    public void Set(string name, string value) => _values[name] = value;

    public string Get(string name) =>
        _values.TryGetValue(name, out var value) ? value : throw new FormatException("{" + name + "} was not seen before");

    /// <summary>Text of a command: names replaced by their values.</summary>
    public string Fill(string text) => Place().Replace(text, m => m.Groups["name"].Value is { Length: > 0 } name ? Get(name) : "");

    /// <summary>True when the seen line is the wanted one; then its new names have values.</summary>
    public bool Accept(string wanted, string seen)
    {
        var names = new List<string>();
        var at = 0;
        var pattern = "";
        foreach (Match match in Place().Matches(wanted))
        {
            pattern += Regex.Escape(wanted[at..match.Index]);
            at = match.Index + match.Length;
            pattern += Pattern(match.Groups["name"].Value, match.Groups["kind"].Value, names);
        }

        pattern += Regex.Escape(wanted[at..]);
        var found = Regex.Match(seen, "\\A" + pattern + "\\z", RegexOptions.CultureInvariant | RegexOptions.ExplicitCapture);
        if (!found.Success)
            return false;
        foreach (var name in names)
            _values[name] = found.Groups[Group(name)].Value;
        return true;
    }

    /// <summary>A seen text as one would write it down: known values and what changes from run to run get names.</summary>
    public string Describe(string seen)
    {
        foreach (var (name, value) in _values.Where(v => v.Value.Length >= 8).OrderByDescending(v => v.Value.Length))
            seen = seen.Replace(value, "{" + name + "}", StringComparison.Ordinal);
        foreach (var kind in new[] { "uuid", "time", "ref", "cr" })
            seen = Regex.Replace(seen, Kinds[kind], "{" + kind + "}");
        return seen.EndsWith(' ') ? seen + "{}" : seen;
    }

    private string Pattern(string name, string kind, List<string> names)
    {
        if (name.Length == 0)
            return "";
        if (_values.TryGetValue(name, out var value))
            return Regex.Escape(value);
        if (kind.Length == 0 && Kinds.TryGetValue(name, out var forgotten))
            return forgotten;
        if (names.Contains(name))
            return "\\k<" + Group(name) + ">";
        names.Add(name);
        return "(?<" + Group(name) + ">" + Kinds[kind.Length == 0 ? "uuid" : kind] + ")";
    }

    private static string Group(string name) => "n_" + name.Replace('-', '_');

    [GeneratedRegex("\\{(?:(?<name>[a-z][a-z0-9-]*)(?::(?<kind>[a-z]+))?)?\\}", RegexOptions.ExplicitCapture)]
    private static partial Regex Place();
}
