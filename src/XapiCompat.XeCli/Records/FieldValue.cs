namespace XapiCompat.XeCli.Records;

/// <summary>A field of an object: as printed, and its parts where it is a set or a map.</summary>
internal readonly record struct FieldValue(string Text, IReadOnlyList<string> Items, IReadOnlyList<KeyValuePair<string, string>> Pairs)
{
    public static FieldValue Of(string text) => new(text, [], []);

    public static FieldValue Set(IReadOnlyList<string> items, string separator) => new(string.Join(separator, items), items, []);

    public static FieldValue Map(IReadOnlyList<KeyValuePair<string, string>> pairs, string separator) =>
        new(string.Join(separator, pairs.Select(p => p.Key + ": " + p.Value)), [], pairs);
}
