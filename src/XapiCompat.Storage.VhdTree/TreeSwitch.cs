namespace XapiCompat.Storage.VhdTree;

/// <summary>
/// The file steps that put a new volume beside a leaf. The leaf's file becomes a hidden base; the leaf's name and the new
/// volume each get an empty file on top of it. The order survives an end of the process between any two steps, and in
/// durable mode a loss of power: the leaf's name always leads to its data.
/// </summary>
/// <param name="newId">Null: the leaf alone stands on the base afterwards.</param>
internal sealed class TreeSwitch(TreeDirectory directory, TreeNode leaf, Guid? newId, Guid baseId)
{
    private bool _linked;
    private bool _switched;
    private bool _moved;

    public Guid BaseId => baseId;

    public Guid LeafUniqueId { get; } = Guid.NewGuid();

    public Guid NewUniqueId { get; } = Guid.NewGuid();

    /// <summary>After a failure that could not be taken back: the leaf stands on the base all the same, without the new volume.</summary>
    public bool IsSwitched => _switched;

    /// <summary>
    /// After a failure that could not be taken back: the leaf has two names, or that of the base instead of its own. See
    /// <see cref="TakeBack"/>.
    /// </summary>
    public bool IsHalfDone { get; private set; }

    private string Replacement => directory.PathOf(leaf.Id, TreeDirectory.NewSuffix);

    private string Temporary => directory.PathOf(newId!.Value, TreeDirectory.TemporarySuffix);

    /// <summary>Throws after having undone everything, except when the process itself ends.</summary>
    public async ValueTask RunAsync(VolumeMeta meta)
    {
        try
        {
            var parent = (baseId, leaf.UniqueId, directory.PathOf(leaf.Id));
            if (newId is { } added)
            {
                await directory.WriteDiskAsync(Temporary, leaf.Size, NewUniqueId, parent);
                await directory.WriteMetaAsync(added, meta);
            }

            // Names the base before that exists: with it, recovery can tell the leaf's two names apart.
            await directory.WriteDiskAsync(Replacement, leaf.Size, LeafUniqueId, parent);
            directory.Flush();
            _moved = !directory.LinkOrMove(leaf.Id, baseId);
            _linked = true;
            directory.Flush();
            directory.Move(Replacement, directory.PathOf(leaf.Id));
            _switched = true;
            if (newId is { } name)
                directory.Move(Temporary, directory.PathOf(name));
            directory.Flush();
        }
        catch (Exception e) when (Faults.IsForeseen(e))
        {
            Undo();
            throw;
        }

        HideBase();
    }

    /// <summary>Gives a leaf that is half switched its one name again; may be repeated until it works. Until then nothing else happens to the leaf.</summary>
    public void TakeBack()
    {
        if (_moved)
            directory.Move(directory.PathOf(baseId), directory.PathOf(leaf.Id));
        else
            directory.Delete(directory.PathOf(baseId));
        _moved = IsHalfDone = false;
        directory.TryDelete(leaf.Id, TreeDirectory.NewSuffix);
    }

    private void Undo()
    {
        // One rename takes the leaf back, whichever of the ways it went; nobody has written to the file it replaces.
        if (_switched)
            _switched = !directory.TryMove(baseId, leaf.Id);
        else if (_moved)
            IsHalfDone = !directory.TryMove(baseId, leaf.Id);
        else if (_linked)
            IsHalfDone = !directory.TryDelete(baseId, TreeDirectory.VhdSuffix);

        // Should the leaf have lost its name, or have kept two, the replacement leads the next attach to that.
        if (!_switched && !IsHalfDone)
            directory.TryDelete(leaf.Id, TreeDirectory.NewSuffix);
        if (newId is { } added)
            directory.TryDeleteAll(added);
        directory.TryFlush();
    }

    // Never before both leaves are in place: a hidden file without children is taken for abandoned. With them the tree is
    // right, so a failure here is no failure of the operation; the next attach hides the base.
    private void HideBase()
    {
        try
        {
            directory.Hide(baseId);
        }
        catch (Exception e) when (Faults.IsForeseen(e))
        {
        }
    }
}
