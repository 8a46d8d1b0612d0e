namespace XapiCompat.Nbd.Sessions;

/// <summary>The maps of an export by the names that clients use for them.</summary>
internal static class MetaContexts
{
    private const string BaseSpace = "base:";
    private const string Allocation = "base:allocation";
    private const string QemuSpace = "qemu:";
    private const string BitmapSpace = "qemu:dirty-bitmap:";

    /// <summary>What a client could choose; a query may name a whole namespace. No query: everything.</summary>
    public static List<string> List(NbdExport export, IReadOnlyList<string> queries)
    {
        var names = new List<string>();
        if (queries.Count == 0 || queries.Any(q => q is BaseSpace or Allocation))
            names.Add(Allocation);
        if (queries.Count > 0 && !queries.Any(q => q.StartsWith(QemuSpace, StringComparison.Ordinal)))
            return names;
        foreach (var bitmap in export.DirtyBitmaps())
        {
            var name = BitmapSpace + bitmap.Name;
            if (queries.Count == 0 || queries.Any(q => q is QemuSpace or BitmapSpace || q == name))
                names.Add(name);
        }

        return names;
    }

    /// <summary>What a client chose by full names; what is not there is left out.</summary>
    public static async ValueTask<List<ChosenContext>> ChooseAsync(NbdExport export, IReadOnlyList<string> queries, CancellationToken cancellationToken)
    {
        var chosen = new List<ChosenContext>();
        IReadOnlyList<NbdDirtyBitmap>? bitmaps = null;
        foreach (var query in queries)
        {
            if (chosen.Count == NbdLimits.MostContexts || chosen.Exists(c => c.Name == query))
                continue;
            var id = (uint)chosen.Count + 1;
            if (query == Allocation)
            {
                chosen.Add(new(id, query, null));
            }
            else if (query.StartsWith(BitmapSpace, StringComparison.Ordinal)
                && (bitmaps ??= export.DirtyBitmaps()).FirstOrDefault(b => query.AsSpan(BitmapSpace.Length).SequenceEqual(b.Name)) is { } bitmap
                && await bitmap.LoadAsync(cancellationToken) is { } loaded)
            {
                chosen.Add(new(id, query, loaded));
            }
        }

        return chosen;
    }
}
