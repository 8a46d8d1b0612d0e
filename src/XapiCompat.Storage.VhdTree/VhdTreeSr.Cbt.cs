namespace XapiCompat.Storage.VhdTree;

/// <summary>Changed-block tracking: logs that come and go with their volumes, and what is left of a volume without data.</summary>
internal sealed partial class VhdTreeSr
{
    private const string NotListed = "the changed blocks cannot be listed";

    /// <summary>Logs whose volume has no file: these are volumes of their own kind.</summary>
    private IEnumerable<CbtLog> LogsWithoutData => _logs.All.Where(log => !log.Doomed && !_index.Knows(log.Id) && !_raws.Knows(log.Id));

    public ValueTask<VolumeChanges> EnableCbtAsync(string key, CancellationToken cancellationToken) => LockedAsync(
        () =>
        {
            RequireTrackable(key, StorageFault.CbtActivate);
            var leaf = Leaf(key, StorageFault.CbtActivate, "the changed blocks are not tracked");
            if (_logs.Find(leaf.Id) is null)
                StartLog(leaf);
            return ValueTask.FromResult(Added(leaf));
        },
        StorageFault.CbtActivate,
        "the changed blocks are not tracked",
        cancellationToken);

    public ValueTask<VolumeChanges> DisableCbtAsync(string key, CancellationToken cancellationToken) => LockedAsync(
        () =>
        {
            RequireTrackable(key, StorageFault.CbtDeactivate);
            var leaf = Leaf(key, StorageFault.CbtDeactivate, "the changed blocks are still tracked");
            if (_logs.Find(leaf.Id) is { } log)
            {
                _logs.Drop(log);
                directory.Flush();
                directory.Done();
            }

            return ValueTask.FromResult(Added(leaf));
        },
        StorageFault.CbtDeactivate,
        "the changed blocks are still tracked",
        cancellationToken);

    public ValueTask<VolumeChanges> DataDestroyAsync(string key, CancellationToken cancellationToken) => LockedAsync(
        () =>
        {
            if (_raws.TryFind(key, out _))
                throw new StorageException(StorageFault.VolumeType, "the VDI is a plain file [opterr=raw]");
            var removed = new List<string>();
            var log = LogWithoutData(key);
            if (log is null)
            {
                var leaf = Leaf(key, StorageFault.VolumeDelete, "the VDI keeps its data");
                log = _logs.Find(leaf.Id) ?? throw new StorageException(StorageFault.CbtMetadata, "the VDI keeps its data [opterr=its changed blocks are not tracked]");
                if (log.Size != leaf.Size)
                    log.Rewrite(log.Parent, leaf.Size, []);
                log.Settle();
                log.Meta = leaf.Meta;
                removed = Remove(leaf, keepMeta: true);
                removed.Remove(key);
            }

            var info = Info(log);
            return ValueTask.FromResult(new VolumeChanges(info, [info], removed));
        },
        StorageFault.VolumeDelete,
        "the VDI keeps its data",
        cancellationToken);

    public ValueTask<ChangedBlocks> ListChangedBlocksAsync(string fromKey, string toKey, CancellationToken cancellationToken) => LockedAsync(
        () =>
        {
            var (from, to) = (IdOf(fromKey), IdOf(toKey));
            return from == to
                ? throw new StorageException(StorageFault.CbtChangedBlocks, NotListed + " [opterr=Source and target VDI are same]")
                : ValueTask.FromResult(new ChangedBlocks(1 << CbtFormat.BlockShift, CbtChain.Changes(_logs, from, SizeOf(from), to, SizeOf(to))));
        },
        StorageFault.CbtMetadata,
        "the log of changed blocks cannot be read",
        cancellationToken);

    /// <summary>As a branch, and the snapshot takes over what was noted so far. Tracking that cannot go on ends; the snapshot is made all the same.</summary>
    private async ValueTask<VolumeChanges> SnapshotTrackedAsync(string key, Guid uuid, IReadOnlyDictionary<string, string> keys)
    {
        if (!_index.TryFind(key, out var source) || source.Hidden || _logs.Find(source.Id) is not { } log)
            return await BranchAsync(key, uuid, keys);
        EnsureFree(uuid, StorageFault.VolumeSnapshot, "no snapshot was made");
        var step = new CbtSwitch(directory, _logs, log, uuid);
        var prepared = step.TryPrepare();
        VolumeChanges changes;
        try
        {
            changes = await BranchAsync(key, uuid, keys);
        }
        catch (Exception e) when (e is StorageException || Faults.IsForeseen(e))
        {
            step.Undo();
            throw;
        }

        step.Finish(prepared);
        directory.Done();
        var taken = Info(_index.Find(uuid)!);
        var known = changes.Changed.Select(v => v.Key).Append(key).Distinct();
        return changes with { Volume = taken, Changed = [.. known.Select(k => k == taken.Key ? taken : Info(_index.Find(k)))] };
    }

    /// <summary>The log gets a name that tells of the destruction first: with the data gone, that is what it then means.</summary>
    private List<string> RemoveTracked(TreeNode leaf)
    {
        if (_logs.Find(leaf.Id) is not { } log)
            return Remove(leaf);
        log.Rename(CbtFormat.DoomedSuffix);
        List<string> removed;
        try
        {
            removed = Remove(leaf);
        }
        catch (Exception e) when (Faults.IsForeseen(e))
        {
            log.Doomed = _index.Find(leaf.Id) != leaf;
            if (!log.Doomed)
                TryRename(log);
            throw;
        }

        log.Doomed = true;
        _logs.Bury(log);
        directory.Done();
        return removed;
    }

    private List<string> RemoveLog(string key)
    {
        if (LogWithoutData(key) is not { } log)
            return [];
        log.Rename(CbtFormat.DoomedSuffix);
        log.Doomed = true;
        TryDelete(log.Id, TreeDirectory.MetaSuffix);
        _logs.Bury(log);
        directory.Done();
        return [key];
    }

    /// <summary>The log grows first: a write behind its end could not be noted. It may stay the longer one when the disk does not grow.</summary>
    private async ValueTask GrowTrackedAsync(TreeNode leaf, long size)
    {
        if (leaf.Open.IsOpen || _logs.Find(leaf.Id) is not { } log)
        {
            await GrowAsync(leaf, size);
            return;
        }

        try
        {
            log.Rewrite(log.Parent, size, OnlyInParent(log, size));
        }
        catch (Exception e) when (Faults.IsForeseen(e))
        {
            _logs.Drop(log);
        }

        await GrowAsync(leaf, size);
        directory.Done();
    }

    /// <summary>Where the state before may have grown and been written behind the end of this one, whose new blocks are zeroes.</summary>
    private byte[] OnlyInParent(CbtLog log, long size)
    {
        var bits = new byte[CbtFormat.BitmapLength(size)];
        if (_logs.ParentOf(log) is { } parent)
        {
            var end = Math.Min(size, Math.Max(parent.Size, _index.Find(parent.Id)?.Size ?? 0));
            for (var block = log.Size >> CbtFormat.BlockShift; block << CbtFormat.BlockShift < end; block++)
                bits[block >> 3] |= (byte)(1 << (int)(block & 7));
        }

        return bits;
    }

    private void StartLog(TreeNode leaf)
    {
        var header = new CbtHeader(Guid.Empty, Guid.Empty, true, leaf.Size, directory.Boot);
        var temporary = directory.PathOf(leaf.Id, CbtFormat.TemporarySuffix);
        try
        {
            CbtFormat.Write(temporary, header, new byte[CbtFormat.BitmapLength(leaf.Size)], directory);
            directory.Move(temporary, directory.PathOf(leaf.Id, CbtFormat.Suffix));
        }
        catch (Exception e) when (Faults.IsForeseen(e))
        {
            directory.TryDelete(leaf.Id, CbtFormat.TemporarySuffix);
            throw;
        }

        _logs.Put(new CbtLog(directory, leaf.Id, header));
        directory.Flush();
        directory.Done();
    }

    private static void TryRename(CbtLog log)
    {
        try
        {
            log.Rename(CbtFormat.Suffix);
        }
        catch (Exception e) when (Faults.IsForeseen(e))
        {
        }
    }

    private CbtLog? LogWithoutData(string key) =>
        TreeDirectory.TryParse(key, out var id) && !_index.Knows(id) && !_raws.Knows(id) ? _logs.Find(id) : null;

    private void RequireTrackable(string key, StorageFault fault)
    {
        if (_raws.TryFind(key, out _))
            throw new StorageException(StorageFault.VolumeType, "the VDI is a plain file [opterr=raw]");
        if (LogWithoutData(key) is not null)
            throw new StorageException(fault, "the VDI has no data [opterr=CBT metadata]");
    }

    private Guid IdOf(string key) => LogWithoutData(key)?.Id ?? (_raws.TryFind(key, out var raw) ? raw.Id : _index.Find(key).Id);

    private long SizeOf(Guid id) => _index.Find(id)?.Size ?? _logs.Find(id)?.Size ?? 0;

    private VolumeInfo Info(CbtLog log) => new(
        log.Id.ToString("D"),
        log.Id,
        log.Meta.Name,
        log.Meta.Description,
        ReadWrite: true,
        log.Meta.Sharable,
        log.Size,
        log.Length,
        Managed: true,
        DataId: log.Id,
        new Dictionary<string, string>(),
        log.Meta.Keys)
    {
        CbtEnabled = true,
        Kind = VolumeKind.CbtMetadata,
    };
}
