namespace XapiCompat.Storage.VhdTree;

/// <summary>
/// Looks over the logs of written blocks. What an attach ends or settles by itself is worth a note: a log that is gone makes no disk
/// wrong, it makes the next backup a full one.
/// </summary>
internal sealed class CbtChecker(TreeDirectory directory, TreeIndex index)
{
    public IEnumerable<StorageFinding> Run()
    {
        var logs = new Dictionary<Guid, CbtHeader>();
        foreach (var id in directory.Ids(CbtFormat.Suffix).Order())
        {
            if (CbtFormat.TryRead(directory.PathOf(id, CbtFormat.Suffix), directory.Files) is { } header)
                logs.Add(id, header);
            else
                yield return New(FindingLevel.Error, "cbt-unreadable", id, "it is no log of written blocks");
        }

        foreach (var (id, header) in logs)
        {
            if (!header.Consistent)
                yield return New(FindingLevel.Note, "cbt-unsettled", id, header.Boot == directory.Boot ? "a writer has not closed it" : "its last writer did not close it before the machine stopped");
            if (index.Find(id) is { } node && node.Size != header.Size)
                yield return New(FindingLevel.Note, "cbt-size", id, "it is of " + header.Size + " bytes, the disk of " + node.Size);
            if (IsOwnAncestor(logs, id))
                yield return New(FindingLevel.Error, "cbt-loop", id, "it is its own ancestor");
        }
    }

    private static bool IsOwnAncestor(Dictionary<Guid, CbtHeader> logs, Guid id)
    {
        var steps = 0;
        for (var next = logs[id].Parent; logs.TryGetValue(next, out var header) && steps++ <= logs.Count; next = header.Parent)
        {
            if (next == id)
                return true;
        }

        return false;
    }

    private StorageFinding New(FindingLevel level, string code, Guid id, string text) => new(level, code, directory.PathOf(id, CbtFormat.Suffix), text);
}
