using System.Text.Json;
using XapiCompat.Core.Services;
using XapiCompat.Values;

namespace XapiCompat.Core.Plugins;

/// <summary>
/// Answers of plugins and extensions from a file (<c>plugins.json</c> of the state directory, see docs/plugins.md). The
/// file is read at each call, so that tests can change it while the server runs; it need not exist.
/// </summary>
public sealed class PluginAnswers(string path)
{
    /// <summary>True when some entry names the plugin.</summary>
    public bool Knows(string plugin) => Read(root => Entries(root, "plugins").Any(e => Text(e, "plugin") == plugin));

    /// <summary>The answer of the first entry that fits; null when none does. Throws what an entry says to throw.</summary>
    public string? Find(string plugin, PluginCall call) => Read(root =>
    {
        foreach (var entry in Entries(root, "plugins"))
        {
            if (Text(entry, "plugin") == plugin && Glob.Matches(Text(entry, "function") ?? "*", call.Function) && Fits(entry, call.Arguments))
                return Answer(entry);
        }

        return null;
    });

    public bool HasExtension(string name) => Read(root => Entries(root, "extensions").Any(e => Text(e, "name") == name));

    public string? FindExtension(string name) => Read(root =>
        Entries(root, "extensions").FirstOrDefault(e => Text(e, "name") == name) is { ValueKind: JsonValueKind.Object } entry ? Answer(entry) : null);

    private T? Read<T>(Func<JsonElement, T?> look)
    {
        if (!File.Exists(path))
            return default;
        try
        {
            using var document = JsonDocument.Parse(File.ReadAllBytes(path), new() { AllowTrailingCommas = true, CommentHandling = JsonCommentHandling.Skip });
            return look(document.RootElement);
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException or IOException)
        {
            throw Errors.Internal(Path.GetFileName(path) + " cannot be used: " + e.Message);
        }
    }

    private static IEnumerable<JsonElement> Entries(JsonElement root, string list) =>
        root.TryGetProperty(list, out var entries) ? entries.EnumerateArray() : Enumerable.Empty<JsonElement>();

    private static string? Text(JsonElement entry, string name) => entry.TryGetProperty(name, out var value) ? value.GetString() : null;

    private static bool Fits(JsonElement entry, IReadOnlyDictionary<string, string> arguments) =>
        !entry.TryGetProperty("args", out var args)
        || args.EnumerateObject().All(a => arguments.TryGetValue(a.Name, out var given) && Glob.Matches(a.Value.GetString()!, given));

    private static string Answer(JsonElement entry) =>
        entry.TryGetProperty("error", out var error)
            ? throw new XenException(error[0].GetString()!, [.. error.EnumerateArray().Skip(1).Select(e => e.GetString()!)])
            : Text(entry, "result") ?? "";
}

/// <summary>Patterns of answers: <c>*</c> stands for any run of characters, everything else for itself.</summary>
internal static class Glob
{
    public static bool Matches(string pattern, string text)
    {
        var parts = pattern.Split('*');
        if (parts.Length == 1)
            return pattern == text;
        if (!text.StartsWith(parts[0], StringComparison.Ordinal))
            return false;
        var at = parts[0].Length;
        foreach (var part in parts[1..^1])
        {
            var found = text.IndexOf(part, at, StringComparison.Ordinal);
            if (found < 0)
                return false;
            at = found + part.Length;
        }

        return text.Length - at >= parts[^1].Length && text.EndsWith(parts[^1], StringComparison.Ordinal);
    }
}
