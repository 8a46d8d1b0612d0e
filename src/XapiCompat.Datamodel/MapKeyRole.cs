namespace XapiCompat.Datamodel;

/// <summary>Keys of a map that have a least role of their own.</summary>
/// <param name="Pattern">The key; a star at its end stands for every rest.</param>
/// <param name="Roles">Who may add and remove such a key.</param>
public sealed record MapKeyRole(string Pattern, RoleSet Roles)
{
    public bool Covers(string key) => Pattern.EndsWith('*')
        ? key.AsSpan().StartsWith(Pattern.AsSpan(0, Pattern.Length - 1), StringComparison.Ordinal)
        : key == Pattern;

    public static IReadOnlyList<MapKeyRole> Of(IReadOnlyDictionary<string, string> leastRoles)
    {
        if (leastRoles.Count == 0)
            return [];
        var all = new List<MapKeyRole>(leastRoles.Count);
        foreach (var (pattern, role) in leastRoles)
            all.Add(new(pattern, Datamodel.Roles.AtLeast(role)));
        return all;
    }
}
