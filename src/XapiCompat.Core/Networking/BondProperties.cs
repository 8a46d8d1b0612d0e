using System.Globalization;
using XapiCompat.Values;

namespace XapiCompat.Core.Networking;

/// <summary>Which properties a bond has in each mode, and their defaults.</summary>
public static class BondProperties
{
    private static readonly (string Key, string? Default, Func<string, bool> Accepts)[] Lacp =
    [
        ("hashing_algorithm", "tcpudp_ports", v => v is "src_mac" or "tcpudp_ports"),
        ("lacp-time", "slow", v => v is "fast" or "slow"),
        ("lacp-aggregation-key", null, v => int.TryParse(v, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out _)),
        ("lacp-fallback-ab", "true", v => v is "true" or "false"),
    ];

    /// <summary>INVALID_VALUE unless the mode knows the property and takes the value.</summary>
    public static void Require(string mode, string key, string value)
    {
        if (!Fits(mode, key, value))
            throw new XenException("INVALID_VALUE", "properties", key + " = " + value);
    }

    /// <summary>The properties given that the mode knows, completed with its defaults.</summary>
    public static XenStruct Complete(string mode, XenStruct given)
    {
        var result = given;
        foreach (var name in given.Names.Where(n => !Fits(mode, n, given[n]!.ToString()!)))
            result = result.Without(name);
        foreach (var (key, value, _) in Of(mode))
        {
            if (value is not null && !result.Contains(key))
                result = result.With(key, value);
        }

        return result;
    }

    private static bool Fits(string mode, string key, string value) => Of(mode).Any(p => p.Key == key && p.Accepts(value));

    private static (string Key, string? Default, Func<string, bool> Accepts)[] Of(string mode) => mode == "lacp" ? Lacp : [];
}
