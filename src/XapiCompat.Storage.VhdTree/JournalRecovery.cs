using XapiCompat.Disks.Vhd;

namespace XapiCompat.Storage.VhdTree;

/// <summary>
/// Finishes or drops what a collector was in the middle of, by the files alone and before they are put into a tree. Every step may be
/// interrupted and repeated. A journal that does not fit its files is left with them.
/// </summary>
internal sealed class JournalRecovery(TreeDirectory directory)
{
    public async ValueTask RunAsync()
    {
        foreach (var (kind, id) in directory.Journals().OrderBy(j => j.Kind).ToArray())
        {
            // Half a copy harms nobody: the child still stores all that went into the parent.
            if (kind == JournalKind.Coalesce || await FinishAsync(kind, id))
                directory.DropJournal(kind, id);
        }
    }

    private async ValueTask<bool> FinishAsync(JournalKind kind, Guid id)
    {
        // Without the parent the leaf has taken its place already; without the child its children have all moved.
        if (directory.ReadJournal(kind, id) is not { } parent || !directory.Exists(parent) || !directory.Exists(id))
            return true;
        if (directory.TryReadHead(id, out _) is not { HasParent: true } head || directory.TryReadHead(parent, out _) is not { } parentHead)
            return false;
        var known = parentHead.Footer.UniqueId;
        if (head.Header!.Value.ParentUniqueId != known && head.Footer.UniqueId != known)
            return false;
        var hasOwnName = head.HasBlocks || head.Footer.CurrentSize != parentHead.Footer.CurrentSize || directory.ReadMeta(id)?.Shown?.UniqueId == head.Footer.UniqueId;
        var uniqueId = hasOwnName ? head.Footer.UniqueId : known;
        if (kind == JournalKind.Leaf)
            await SucceedAsync(id, parent, uniqueId);
        else if (!await RelinkAsync(id, head.Footer.UniqueId, parent, uniqueId))
            return false;
        return true;
    }

    /// <summary>False when a child may be among the files that are not understood: then the node stays, for another attach to go on.</summary>
    private async ValueTask<bool> RelinkAsync(Guid id, Guid childId, Guid parent, Guid uniqueId)
    {
        await IdentifyAsync(parent, uniqueId);
        var allMoved = true;
        foreach (var other in directory.Ids(TreeDirectory.VhdSuffix).Where(i => i != id).ToArray())
        {
            if (!directory.IsPlain(other, TreeDirectory.VhdSuffix))
            {
                allMoved = false;
                continue;
            }

            if (directory.TryReadHead(other, out _) is not { } head)
            {
                allMoved &= ParentClaim.Read(directory, other).Kind == ClaimKind.None;
                continue;
            }

            if (!head.HasParent || TreeDirectory.ParentId(head.Header!.Value.ParentName) != id)
                continue;
            if (head.Header.Value.ParentUniqueId != childId && head.Header.Value.ParentUniqueId != uniqueId)
            {
                allMoved = false;
                continue;
            }

            directory.Step("relink " + other);
            await using var file = directory.Open(other, VhdAccess.ReadWrite);
            await file.SetParentAsync(uniqueId, parent.ToString("D") + TreeDirectory.VhdSuffix, directory.Durable);
        }

        if (!allMoved)
            return false;
        directory.Delete(directory.PathOf(id));
        directory.Flush();
        return true;
    }

    private async ValueTask SucceedAsync(Guid leaf, Guid parent, Guid uniqueId)
    {
        await IdentifyAsync(parent, uniqueId);
        directory.Step("unhide " + parent);
        await using (var file = directory.Open(parent, VhdAccess.ReadWrite))
        {
            await file.SetHiddenAsync(false);
            if (directory.Durable)
                await file.FlushAsync();
        }

        directory.Move(directory.PathOf(parent), directory.PathOf(leaf));
        directory.Flush();
    }

    private async ValueTask IdentifyAsync(Guid node, Guid uniqueId)
    {
        await using var file = directory.Open(node, VhdAccess.ReadWrite);
        if (file.UniqueId == uniqueId)
            return;
        directory.Step("identify " + node);
        await file.SetUniqueIdAsync(uniqueId);
    }
}
