namespace XapiCompat.Storage.VhdTree;

/// <summary>
/// Makes the logs of written blocks right again after an interruption. Every step may itself be interrupted and repeated.
/// </summary>
internal sealed class CbtRecovery(TreeDirectory directory, TreeIndex index, CbtLogs logs)
{
    /// <summary>Finishes the switches of snapshots that exist and takes back the others. Comes before the tree is read, behind its own.</summary>
    public void SettleNames()
    {
        if (!directory.HasLogs())
            return;
        foreach (var id in directory.Ids(CbtFormat.TemporarySuffix).ToArray())
            directory.Delete(directory.PathOf(id, CbtFormat.TemporarySuffix));
        foreach (var id in directory.Ids(CbtFormat.NextSuffix).ToArray())
        {
            var next = directory.PathOf(id, CbtFormat.NextSuffix);
            if (CbtFormat.TryRead(next, directory.Files) is { } header && directory.Exists(header.Parent))
                CbtSwitch.Finish(directory, header.Parent, id);
            else
                directory.Delete(next);
        }

        foreach (var id in directory.Ids(CbtFormat.SnapshotSuffix).ToArray())
            directory.Delete(directory.PathOf(id, CbtFormat.SnapshotSuffix));

        // The data is still there: the volume was not destroyed. A log that it has beside is one that tracking went on with since.
        foreach (var id in directory.Ids(CbtFormat.DoomedSuffix).Where(id => directory.Exists(id)).ToArray())
        {
            if (directory.Exists(id, CbtFormat.Suffix))
                directory.Delete(directory.PathOf(id, CbtFormat.DoomedSuffix));
            else
                directory.Move(directory.PathOf(id, CbtFormat.DoomedSuffix), directory.PathOf(id, CbtFormat.Suffix));
        }
    }

    /// <summary>Reads the logs that are new and ends those that cannot be relied on.</summary>
    public void Load()
    {
        foreach (var log in logs.Load().Where(log => !log.Doomed))
        {
            if (!log.IsConsistent && log.Boot != directory.Boot)
                logs.Drop(log);
            else if (index.Find(log.Id) is { } node && node.Size != log.Size)
                Fit(log, node.Size);
            else if (!log.IsConsistent)
                log.Settle();
        }

        foreach (var log in logs.All.Where(log => log.Doomed).ToArray())
            logs.Bury(log);
    }

    /// <summary>A log grows before its disk does; one that is shorter than its disk has missed writes.</summary>
    private void Fit(CbtLog log, long size)
    {
        if (log.Size < size)
        {
            logs.Drop(log);
            return;
        }

        log.Rewrite(log.Parent, size, []);
        log.Settle();
    }
}
