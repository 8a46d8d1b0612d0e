using XapiCompat.Disks;
using XapiCompat.Disks.Files;
using XapiCompat.Disks.Vhd;

namespace XapiCompat.Storage.VhdTree;

/// <summary>
/// The file steps that give a snapshot the log of its source, and the source one that goes on from the snapshot. Both are
/// written before the tree is switched and get their names after it: whether the snapshot exists tells what an interruption has
/// to lead to.
/// </summary>
internal sealed class CbtSwitch(TreeDirectory directory, CbtLogs logs, CbtLog source, Guid snapshot)
{
    /// <summary>False when the logs could not be written: then nothing of them is left.</summary>
    public bool TryPrepare()
    {
        try
        {
            var bits = source.ReadBits();
            var path = directory.PathOf(snapshot, CbtFormat.SnapshotSuffix);
            CbtFormat.Write(path, new(source.Parent, source.Id, true, source.Size, directory.Boot), bits, directory);
            path = directory.PathOf(source.Id, CbtFormat.NextSuffix);
            CbtFormat.Write(path, new(snapshot, source.Children.FirstOrDefault()?.Id ?? Guid.Empty, true, source.Size, directory.Boot), new byte[bits.Length], directory);
            return true;
        }
        catch (Exception e) when (Faults.IsForeseen(e))
        {
            Undo();
            return false;
        }
    }

    /// <summary>The snapshot was not made.</summary>
    public void Undo()
    {
        TryDiscard(directory.PathOf(source.Id, CbtFormat.NextSuffix));
        TryDiscard(directory.PathOf(snapshot, CbtFormat.SnapshotSuffix));
    }

    /// <summary>The snapshot exists; without <paramref name="prepared"/> logs, or when they cannot be named, tracking ends here.</summary>
    public void Finish(bool prepared)
    {
        try
        {
            if (prepared)
            {
                Finish(directory, snapshot, source.Id);
                var taken = new CbtLog(directory, snapshot, new(source.Parent, source.Id, true, source.Size, directory.Boot));
                var next = new CbtLog(directory, source.Id, new(snapshot, Guid.Empty, true, source.Size, directory.Boot));
                logs.Put(taken);
                logs.Put(next);
                logs.ParentOf(taken)?.TryNoteChild();
                return;
            }
        }
        catch (Exception e) when (Faults.IsForeseen(e))
        {
        }

        End();
    }

    /// <summary>The snapshot's name first: while the source's log waits for its own, the switch is known to be unfinished.</summary>
    public static void Finish(TreeDirectory directory, Guid snapshot, Guid source)
    {
        if (directory.Exists(snapshot, CbtFormat.SnapshotSuffix))
            directory.Move(directory.PathOf(snapshot, CbtFormat.SnapshotSuffix), directory.PathOf(snapshot, CbtFormat.Suffix));
        directory.Move(directory.PathOf(source, CbtFormat.NextSuffix), directory.PathOf(source, CbtFormat.Suffix));
    }

    // The old log still tells what was written since its parent. The prepared one must never be found again: it would not know what
    // is written from now on.
    private void End()
    {
        if (!TryDiscard(directory.PathOf(source.Id, CbtFormat.NextSuffix)))
            source.Block();
        TryDiscard(directory.PathOf(snapshot, CbtFormat.SnapshotSuffix));
        if (HasLog(snapshot))
            logs.Put(new CbtLog(directory, snapshot, new(source.Parent, Guid.Empty, true, source.Size, directory.Boot)));
        try
        {
            logs.Drop(source);
        }
        catch (Exception e) when (Faults.IsForeseen(e))
        {
        }
    }

    /// <summary>One that cannot be looked at now is found by the next look at all logs.</summary>
    private bool HasLog(Guid id)
    {
        try
        {
            return directory.Exists(id, CbtFormat.Suffix);
        }
        catch (Exception e) when (Faults.IsForeseen(e))
        {
            return false;
        }
    }

    /// <summary>Empties a file that cannot be deleted: an empty one is no log.</summary>
    private bool TryDiscard(string path)
    {
        try
        {
            if (directory.Find(path) is null)
                return true;
            directory.Files.Pass(FileCall.Delete, path);
            DirectPath.Delete(path);
            return true;
        }
        catch (Exception e) when (Faults.IsForeseen(e))
        {
        }

        try
        {
            using var file = VhdIo.Create(path, overwrite: true, directory.Files);
            return true;
        }
        catch (Exception e) when (Faults.IsForeseen(e))
        {
            return false;
        }
    }
}
