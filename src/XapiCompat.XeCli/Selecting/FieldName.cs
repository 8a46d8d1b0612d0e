using XapiCompat.XeCli.Tables;

namespace XapiCompat.XeCli.Selecting;

/// <summary>A field as it is named on a command line, perhaps with a key of its map.</summary>
internal static class FieldName
{
    /// <exception cref="XeException">The table has no such field, or the field has no keys.</exception>
    public static (RecordField Field, string? Key) Split(RecordTable table, string name)
    {
        if (table.Find(name) is { } whole)
            return (whole, null);
        var colon = name.IndexOf(':', StringComparison.Ordinal);
        if (colon >= 0)
        {
            var field = table.Find(name[..colon]) ?? throw Unknown(name);
            return field.Kind == FieldKind.Scalar ? throw new XeException("Field '" + field.Name + "' is not a set or map") : (field, name[(colon + 1)..]);
        }

        // The old form has no colon: the longest name that fits is meant, maps before sets.
        foreach (var kind in new[] { FieldKind.Map, FieldKind.Set })
        {
            if (table.Fields.Where(f => f.Kind == kind && name.StartsWith(f.Name + "-", StringComparison.Ordinal)).MaxBy(f => f.Name.Length) is { } prefix)
                return (prefix, name[(prefix.Name.Length + 1)..]);
        }

        throw Unknown(name);
    }

    private static XeException Unknown(string name) => new("Unknown field '" + name + "'");
}
