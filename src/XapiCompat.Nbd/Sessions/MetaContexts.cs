namespace XapiCompat.Nbd.Sessions;

/// <summary>The maps of an export by the names that clients use for them.</summary>
internal static class MetaContexts
{
    private const string BaseSpace = "base:";
    private const string Allocation = "base:allocation";
    private const string QemuSpace = "qemu:";
    private const string BitmapSpace = "qemu:dirty-bitmap:";

    /// <summary>What a client could choose; a query may name a whole namespace. No query: everything.</summary>
    public static async ValueTask<List<string>> ListAsync(NbdExport export, IReadOnlyList<string> queries, CancellationToken cancellationToken)
    {
        var names = new List<string>();
        if (queries.Count == 0 || queries.Any(q => q is BaseSpace or Allocation))
            names.Add(Allocation);
        if (export.DirtyBitmaps is not { } bitmaps)
            return names;
        if (queries.Count == 0 || queries.Any(q => q is QemuSpace or BitmapSpace))
        {
            names.AddRange((await bitmaps.ListAsync(cancellationToken)).Select(name => BitmapSpace + name));
            return names;
        }

        foreach (var query in queries.Where(q => q.StartsWith(BitmapSpace, StringComparison.Ordinal)).Distinct().Take(NbdLimits.MostContexts))
        {
            if (await bitmaps.LoadAsync(query[BitmapSpace.Length..], cancellationToken) is not null)
                names.Add(query);
        }

        return names;
    }

    /// <summary>What a client chose by full names; what is not there is left out.</summary>
    public static async ValueTask<List<ChosenContext>> ChooseAsync(NbdExport export, IReadOnlyList<string> queries, CancellationToken cancellationToken)
    {
        var chosen = new List<ChosenContext>();
        foreach (var query in queries.Distinct(StringComparer.Ordinal).Where(q => q == Allocation || q.StartsWith(BitmapSpace, StringComparison.Ordinal)).Take(NbdLimits.MostContexts))
        {
            var id = (uint)chosen.Count + 1;
            if (query == Allocation)
                chosen.Add(new(id, query, null));
            else if (export.DirtyBitmaps is { } bitmaps && await bitmaps.LoadAsync(query[BitmapSpace.Length..], cancellationToken) is { } loaded)
                chosen.Add(new(id, query, loaded));
        }

        return chosen;
    }
}
