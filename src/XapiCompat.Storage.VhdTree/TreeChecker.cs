using XapiCompat.Disks.Vhd;

namespace XapiCompat.Storage.VhdTree;

/// <summary>
/// Looks over a directory: each file for itself, the tree, and what belongs to no volume. Changes a file only when it repairs,
/// and then only what an attach or the next writer would change as well.
/// </summary>
internal sealed class TreeChecker(TreeDirectory directory)
{
    /// <summary>Longer chains take no further snapshot.</summary>
    private const int UsualDepth = 30;

    private static readonly string[] Temporaries =
    [
        TreeDirectory.NewSuffix, TreeDirectory.TemporarySuffix, TreeDirectory.RawTemporarySuffix, TreeDirectory.MetaNewSuffix,
        CbtFormat.SnapshotSuffix, CbtFormat.NextSuffix, CbtFormat.TemporarySuffix, CbtFormat.DoomedSuffix,
    ];

    private readonly List<StorageFinding> _findings = [];

    public async ValueTask<SrCheck> RunAsync(bool repair, CancellationToken cancellationToken)
    {
        var index = Look(cancellationToken);
        if (repair && _findings.Exists(f => f.Level == FindingLevel.Repairable))
            index = await RepairAsync(cancellationToken);
        return new SrCheck(
            [.. index.Nodes.OrderBy(n => n.Id).Select(n => new CheckedVolume(n.Key, n.Size, !n.Hidden, n.Parent?.Key)), .. PlainFiles(index)],
            [.. _findings]);
    }

    private TreeIndex Look(CancellationToken cancellationToken)
    {
        var index = new TreeIndex();
        new TreeLoader(directory, index).Load();
        var journals = directory.Journals().OrderBy(j => j.Id).ToList();
        foreach (var (kind, id) in journals)
            _findings.Add(new(FindingLevel.Repairable, "journal", directory.PathOf(kind, id), "a merge of two nodes that was interrupted"));
        var isRelinking = journals.Exists(j => j.Kind != JournalKind.Coalesce);
        foreach (var (id, reason) in index.Broken.OrderBy(b => b.Key))
        {
            cancellationToken.ThrowIfCancellationRequested();

            // The file itself may say better what is wrong with it.
            if (!CheckFile(id))
                Add(isRelinking ? FindingLevel.Repairable : FindingLevel.Error, TreeProblem.CodeOf(reason), id, TreeDirectory.VhdSuffix, reason);
        }

        foreach (var node in index.Nodes.OrderBy(n => n.Id))
        {
            cancellationToken.ThrowIfCancellationRequested();
            CheckFile(node.Id);
            CheckNode(node, index.IsHeld(node));
        }

        foreach (var id in directory.Ids(TreeDirectory.RawSuffix).Where(id => directory.Exists(id)).Order())
            Add(FindingLevel.Error, "twice", id, TreeDirectory.RawSuffix, "there is a VHD of the same name, which counts");
        CheckTemporaries();
        foreach (var finding in new CbtChecker(directory, index).Run())
            _findings.Add(finding);
        CheckNotes(index);
        CheckNames();
        return index;
    }

    /// <summary>True when something was found that keeps the file from being opened.</summary>
    private bool CheckFile(Guid id)
    {
        var fatal = false;
        try
        {
            foreach (var finding in VhdChecker.Check(directory.PathOf(id), directory.Files))
            {
                fatal |= finding.PreventsOpening;
                Add(LevelOf(id, finding), "vhd-" + finding.Error, id, TreeDirectory.VhdSuffix, finding.Message + " (at " + finding.Offset + ")");
            }
        }
        catch (Exception e) when (Faults.IsForeseen(e))
        {
            Add(FindingLevel.Error, "unreadable", id, TreeDirectory.VhdSuffix, e.Message);
            return true;
        }

        return fatal;
    }

    /// <summary>
    /// A footer that is all zeros was taken back by a writer that was about to change it, and the next writer puts it there
    /// again; any other damage to one of the two footers is damage.
    /// </summary>
    private FindingLevel LevelOf(Guid id, VhdFinding finding)
    {
        if (finding.PreventsOpening)
            return FindingLevel.Error;
        switch (finding.Error)
        {
            case VhdFormatError.FooterCookie or VhdFormatError.FooterChecksum or VhdFormatError.FooterVersion:
                var footer = new byte[Footer.Size];
                using (var io = VhdIo.Open(directory.PathOf(id), VhdAccess.Read, directory.Files))
                    io.Read(finding.Offset, footer);
                return footer.AsSpan().ContainsAnyExcept((byte)0) ? FindingLevel.Repairable : FindingLevel.Note;
            default:
                // Hints that no reader here goes by.
                return FindingLevel.Note;
        }
    }

    private void CheckNode(TreeNode node, bool held)
    {
        if (node is { Children: > 0, Hidden: false, Foreign: true })
            Add(FindingLevel.Note, "not-hidden", node.Id, TreeDirectory.VhdSuffix, "it carries the data of other VDIs and can only be read");
        else if (node is { Children: > 0, Hidden: false })
            Add(FindingLevel.Repairable, "not-hidden", node.Id, TreeDirectory.VhdSuffix, "it carries the data of other VDIs and is not marked as hidden");

        // A base that seems to carry nothing may carry a file that is not understood.
        if (node is { Children: 0, Hidden: true })
            Add(held ? FindingLevel.Error : FindingLevel.Repairable, "abandoned-base", node.Id, TreeDirectory.VhdSuffix, "a base copy that no VDI is on");
        if (node.Parent is { } parent && parent.Size > node.Size)
            Add(FindingLevel.Error, "size", node.Id, TreeDirectory.VhdSuffix, "it is smaller than its parent " + parent.Key);
        if (node.Depth > UsualDepth && node.Children == 0)
            Add(FindingLevel.Note, "depth", node.Id, TreeDirectory.VhdSuffix, "a chain of " + node.Depth + " files");
    }

    private IEnumerable<CheckedVolume> PlainFiles(TreeIndex index) => directory.Ids(TreeDirectory.RawSuffix)
        .Where(id => index.Find(id) is null && !directory.Exists(id))
        .Order()
        .Select(id => new CheckedVolume(id.ToString("D"), directory.Length(id, TreeDirectory.RawSuffix), Managed: true, Parent: null));

    private void CheckTemporaries()
    {
        foreach (var suffix in Temporaries)
        {
            foreach (var id in directory.Ids(suffix).Order())
            {
                var known = suffix != TreeDirectory.NewSuffix || directory.Exists(id) || TreeRecovery.FindBase(directory, id) is not null;
                Add(known ? FindingLevel.Repairable : FindingLevel.Error, "stale-temporary", id, suffix, "left behind by an operation that was interrupted");
            }
        }
    }

    private void CheckNotes(TreeIndex index)
    {
        foreach (var id in directory.Ids(TreeDirectory.MetaSuffix).Order())
        {
            if (!TreeRecovery.Carriers.Any(suffix => directory.Exists(id, suffix)))
                Add(FindingLevel.Repairable, "stale-notes", id, TreeDirectory.MetaSuffix, "notes on a VDI that is not there");
            else if (index.Find(id) is not { Hidden: true } && directory.ReadMeta(id) is null)
                Add(FindingLevel.Error, "notes", id, TreeDirectory.MetaSuffix, "name and keys of the VDI cannot be read");
        }
    }

    private void CheckNames()
    {
        foreach (var name in directory.ForeignNames().Order(StringComparer.Ordinal))
            _findings.Add(new(FindingLevel.Note, "foreign-name", System.IO.Path.Combine(directory.Path, name), "not a file of this repository; left alone"));
    }

    /// <summary>The same steps as an attach, then the footers; what is still there when all is looked at anew was not repaired.</summary>
    private async ValueTask<TreeIndex> RepairAsync(CancellationToken cancellationToken)
    {
        var before = _findings.ToArray();
        RepairFooters();
        var logs = new CbtLogs(directory);
        await new TreeRecovery(directory, new TreeIndex(), logs).RunAsync();
        logs.Close();
        _findings.Clear();
        var index = Look(cancellationToken);
        _findings.AddRange(before.Where(f => f.Level == FindingLevel.Repairable && !_findings.Contains(f)).Select(f => f with { Level = FindingLevel.Repaired }).ToArray());
        return index;
    }

    private void RepairFooters()
    {
        foreach (var path in _findings.Where(f => f.Level == FindingLevel.Repairable && f.Code.StartsWith("vhd-", StringComparison.Ordinal)).Select(f => f.Subject).Distinct().ToList())
        {
            try
            {
                VhdRepair.RepairFooters(path, directory.Files);
            }
            catch (Exception e) when (Faults.IsForeseen(e) || e is VhdFormatException)
            {
                // It is found again.
            }
        }
    }

    private void Add(FindingLevel level, string code, Guid id, string suffix, string text) => _findings.Add(new(level, code, directory.PathOf(id, suffix), text));
}
