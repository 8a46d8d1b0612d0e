using XapiCompat.Values;

namespace XapiCompat.XeCli.Arguments;

/// <summary>The <c>name=value</c> pairs of a command line, in order. The first of equal names counts.</summary>
public sealed class XeParameters(IReadOnlyList<KeyValuePair<string, string>> pairs)
{
    public IReadOnlyList<KeyValuePair<string, string>> Pairs { get; } = pairs;

    /// <summary>The value, or null when the parameter was not given.</summary>
    public string? Find(string name)
    {
        foreach (var (key, value) in Pairs)
        {
            if (key == name)
                return value;
        }

        return null;
    }

    public bool Has(string name) => Find(name) is not null;

    /// <summary>The value of a parameter that must be there.</summary>
    public string Required(string name) => Find(name) ?? throw new XeMissingParameterException(name);

    public string Text(string name, string otherwise = "") => Find(name) ?? otherwise;

    public bool Flag(string name, bool otherwise = false) => Find(name) is { } text ? XeUnits.Flag(name, text) : otherwise;

    public long Whole(string name, long otherwise) => Find(name) is { } text ? XeUnits.Whole(name, text) : otherwise;

    /// <summary>Bytes; see <see cref="XeUnits.Size"/>.</summary>
    public long Size(string name) => XeUnits.Size(name, Required(name));

    /// <summary>The comma separated items of a value; none when it is absent or empty.</summary>
    public IReadOnlyList<string> List(string name) => Find(name) is { Length: > 0 } text ? text.Split(',') : [];

    /// <summary>
    /// A map given as <c>prefix:key=value</c>, or in the old form <c>prefix-key=value</c>, where no field of that name can
    /// be meant.
    /// </summary>
    /// <param name="prefix">Without the colon or dash.</param>
    public IReadOnlyList<KeyValuePair<string, string>> Map(string prefix) =>
    [
        .. Pairs.Where(p => p.Key.Length > prefix.Length + 1 && p.Key.StartsWith(prefix, StringComparison.Ordinal) && p.Key[prefix.Length] is ':' or '-')
            .Select(p => KeyValuePair.Create(p.Key[(prefix.Length + 1)..], p.Value))
            .DistinctBy(p => p.Key),
    ];

    /// <summary><see cref="Map"/> as a value for the API.</summary>
    public XenStruct Struct(string prefix) => XenStruct.Of(Map(prefix));

    /// <summary>Only the keys of a set given as <c>tags:x=</c>.</summary>
    public XenArray Keys(string prefix) => XenArray.Of(Map(prefix).Select(p => p.Key));
}
