namespace XapiCompat.Storage.VhdTree;

/// <summary>What failed and could not be taken back, because that failed as well.</summary>
internal sealed partial class VhdTreeSr
{
    private readonly List<(TreeNode Node, Func<ValueTask> TakeBack)> _halfDone = [];

    /// <summary>
    /// True for the tree of a merge or a switch of this kind. Its files are not what the index says, and what there is of it leads the
    /// next attach to finish it, over whatever came later: nothing may be written, made or removed there, or it would be lost or come back.
    /// </summary>
    private bool IsHalfDone(TreeNode node) => _halfDone.Count > 0 && _halfDone.Exists(half => half.Node.Root == node.Root);

    private void RequireWhole(TreeNode node)
    {
        if (IsHalfDone(node))
            throw new StorageException(StorageFault.VolumeUnavailable, "The VDI is not available [opterr=what failed in its tree cannot be taken back]");
    }

    private void NoteHalfDone(TreeSwitch step, TreeNode source)
    {
        _index.Reserve(step.BaseId);
        _halfDone.Add((source, TakeBackAsync));

        ValueTask TakeBackAsync()
        {
            step.TakeBack();
            _index.Release(step.BaseId);
            return ValueTask.CompletedTask;
        }
    }

    /// <summary>Deletes what could not be deleted before, as far as that works by now.</summary>
    private void RemoveAbandoned()
    {
        foreach (var id in _index.Abandoned.ToArray())
        {
            if (!TryDelete(id, TreeDirectory.VhdSuffix))
                continue;
            _index.Forget(id);
            directory.TryDropJournal(JournalKind.Relink, id);
        }
    }

    /// <summary>Comes before every operation; what fails again is left to the next.</summary>
    private async ValueTask TakeBackAsync()
    {
        for (var i = _halfDone.Count - 1; i >= 0; i--)
        {
            try
            {
                await _halfDone[i].TakeBack();
                _halfDone.RemoveAt(i);
            }
            catch (Exception e) when (Faults.IsForeseen(e))
            {
            }
        }
    }
}
