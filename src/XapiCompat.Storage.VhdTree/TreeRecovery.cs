namespace XapiCompat.Storage.VhdTree;

/// <summary>
/// Makes a directory whole again after an interruption. Every step may itself be interrupted and repeated. Files that are
/// not understood are left alone, and no base on which one of them may stand is taken for abandoned.
/// </summary>
internal sealed class TreeRecovery(TreeDirectory directory, TreeIndex index, CbtLogs logs)
{
    /// <summary>What a sidecar may belong to.</summary>
    public static readonly string[] Carriers = [TreeDirectory.VhdSuffix, TreeDirectory.RawSuffix, CbtFormat.Suffix];

    public async ValueTask RunAsync()
    {
        foreach (var leaf in directory.Ids(TreeDirectory.NewSuffix).ToArray())
            SettleSwitch(leaf);
        foreach (var suffix in new[] { TreeDirectory.TemporarySuffix, TreeDirectory.RawTemporarySuffix, TreeDirectory.MetaNewSuffix })
        {
            foreach (var id in directory.Ids(suffix).ToArray())
                directory.Delete(directory.PathOf(id, suffix));
        }

        await new JournalRecovery(directory).RunAsync();
        var tracking = new CbtRecovery(directory, index, logs);
        tracking.SettleNames();
        new TreeLoader(directory, index).Load();
        HideParents();
        RemoveAbandonedBases();
        tracking.Load();
        foreach (var id in directory.Ids(TreeDirectory.MetaSuffix).Where(id => !Carriers.Any(suffix => directory.Exists(id, suffix))).ToArray())
            directory.Delete(directory.PathOf(id, TreeDirectory.MetaSuffix));
        directory.Flush();
        directory.Done();
    }

    /// <summary>
    /// A replacement leaf that did not get its name. Its parent's name tells what was about to become the base: a second
    /// name of the leaf, which goes; or, without hard links, the leaf itself, and then the switch is finished.
    /// </summary>
    private void SettleSwitch(Guid leaf)
    {
        var replacement = directory.PathOf(leaf, TreeDirectory.NewSuffix);
        if (!directory.Exists(leaf))
        {
            if (FindBase(directory, leaf) is not null)
                directory.Move(replacement, directory.PathOf(leaf));
            return;
        }

        // By the leaf's id of now: it may have been written to after a switch that failed.
        if (NameOfBase(directory, leaf) is { } id
            && directory.TryReadHead(id, out _) is { } second
            && directory.TryReadHead(leaf, out _)?.Footer.UniqueId == second.Footer.UniqueId)
            directory.Delete(directory.PathOf(id));
        directory.Delete(replacement);
    }

    /// <summary>The file that a replacement leaf was made for, if it is there.</summary>
    public static (Guid Id, Guid UniqueId)? FindBase(TreeDirectory directory, Guid leaf)
    {
        if (directory.TryReadHead(leaf, out _, TreeDirectory.NewSuffix) is not { HasParent: true, Header: { } header }
            || TreeDirectory.ParentId(header.ParentName) is not { } id
            || !directory.Exists(id))
            return null;
        return directory.TryReadHead(id, out _)?.Footer.UniqueId == header.ParentUniqueId ? (id, header.ParentUniqueId) : null;
    }

    private static Guid? NameOfBase(TreeDirectory directory, Guid leaf) =>
        directory.TryReadHead(leaf, out _, TreeDirectory.NewSuffix) is { HasParent: true, Header: { } header }
            && TreeDirectory.ParentId(header.ParentName) is { } id && id != leaf && directory.Exists(id) ? id : null;

    private void HideParents()
    {
        foreach (var node in index.Nodes.Where(n => n is { Children: > 0, Hidden: false, Foreign: false }).ToArray())
        {
            directory.Hide(node.Id);
            node.Hidden = true;
        }
    }

    private void RemoveAbandonedBases()
    {
        foreach (var leaf in index.Nodes.Where(n => n.Hidden && n.Children == 0).ToArray())
        {
            for (var node = leaf; node is { Hidden: true, Children: 0 } && !index.IsHeld(node); node = node.Parent)
            {
                directory.Delete(directory.PathOf(node.Id));
                index.Remove(node);
            }
        }
    }
}
