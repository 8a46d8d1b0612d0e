using XapiCompat.Values;

namespace XapiCompat.Core.Seed;

/// <summary>One object of a seed: its class, its name in the seed, and its fields with names in place of references.</summary>
/// <param name="Symbol">As <c>$host</c>; the same text in a field refers to this object.</param>
/// <param name="Host">Which host's name and address fill the placeholders: 0 is the master.</param>
public sealed record SeedObject(string Class, string Symbol, IReadOnlyDictionary<string, XenValue> Fields, int Host = 0)
{
    public bool IsTrue(string field) => Fields.GetValueOrDefault(field) is XenBool { Flag: true };

    public string Text(string field) => Fields.GetValueOrDefault(field)?.ToString() ?? "";

    public SeedObject With(string field, XenValue value) =>
        this with { Fields = new Dictionary<string, XenValue>(Fields, StringComparer.Ordinal) { [field] = value } };
}
