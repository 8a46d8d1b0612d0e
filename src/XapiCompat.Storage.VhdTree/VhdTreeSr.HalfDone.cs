namespace XapiCompat.Storage.VhdTree;

/// <summary>Merges that failed and could not be taken back, because that failed as well.</summary>
internal sealed partial class VhdTreeSr
{
    private readonly List<(TreeNode Parent, Func<ValueTask> TakeBack)> _halfDone = [];

    /// <summary>
    /// True for the tree of such a merge. Its files are not what the index says, and its journal leads the next attach to finish it,
    /// over whatever came later: nothing may be written or made there, or it would be lost.
    /// </summary>
    private bool IsHalfDone(TreeNode node) => _halfDone.Count > 0 && _halfDone.Exists(merge => merge.Parent.Root == node.Root);

    private void RequireWhole(TreeNode node)
    {
        if (IsHalfDone(node))
            throw new StorageException(StorageFault.VolumeUnavailable, "The VDI is not available [opterr=a merge in its tree failed and cannot be taken back]");
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
