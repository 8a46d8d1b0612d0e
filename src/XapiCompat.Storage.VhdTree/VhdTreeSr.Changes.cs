using System.Collections.Immutable;
using System.Security.Cryptography;
using XapiCompat.Disks.Vhd;

namespace XapiCompat.Storage.VhdTree;

/// <summary>What changes the tree: volumes that come, go, branch, grow and get other names.</summary>
internal sealed partial class VhdTreeSr
{
    public ValueTask<VolumeChanges> CreateVolumeAsync(VolumeSpec spec, CancellationToken cancellationToken) => LockedAsync(
        async () =>
        {
            EnsureFree(spec.Uuid, StorageFault.VolumeCreate, "no VDI was made");
            var meta = VolumeMeta.None with { Name = spec.Name, Description = spec.Description, Sharable = spec.Sharable, Keys = Keys(spec.Keys) };
            if (spec.SmConfig.GetValueOrDefault("type") == "raw")
            {
                var info = _raws.Info(await _raws.CreateAsync(spec.Uuid, spec.VirtualSize, meta));
                return new VolumeChanges(info, [info], []);
            }

            return Added(await AddLeafAsync(spec.Uuid, TreeSize.Round(spec.VirtualSize), null, meta));
        },
        StorageFault.VolumeCreate,
        "no VDI was made",
        cancellationToken);

    public ValueTask<VolumeChanges> SnapshotAsync(
        string key, Guid uuid, IReadOnlyDictionary<string, string> driverParams, CancellationToken cancellationToken) =>
        SnapshotAsync(key, uuid, driverParams, VolumeMeta.None.Keys, cancellationToken);

    public ValueTask<VolumeChanges> SnapshotAsync(
        string key, Guid uuid, IReadOnlyDictionary<string, string> driverParams, IReadOnlyDictionary<string, string> keys, CancellationToken cancellationToken) => LockedAsync(
        () => SnapshotTrackedAsync(key, uuid, keys), StorageFault.VolumeSnapshot, "no snapshot was made", cancellationToken);

    public ValueTask<VolumeChanges> CloneAsync(
        string key, Guid uuid, IReadOnlyDictionary<string, string> driverParams, CancellationToken cancellationToken) =>
        CloneAsync(key, uuid, driverParams, VolumeMeta.None.Keys, cancellationToken);

    public ValueTask<VolumeChanges> CloneAsync(
        string key, Guid uuid, IReadOnlyDictionary<string, string> driverParams, IReadOnlyDictionary<string, string> keys, CancellationToken cancellationToken) => LockedAsync(
        () => BranchAsync(key, uuid, keys), StorageFault.VolumeClone, "no clone was made", cancellationToken);

    public ValueTask<VolumeChanges> DestroyVolumeAsync(string key, CancellationToken cancellationToken) => LockedAsync(
        () =>
        {
            if (_raws.TryFind(key, out var raw))
            {
                _raws.Remove(raw);
                return ValueTask.FromResult(new VolumeChanges(null, [], [key]));
            }

            if (!_index.TryFind(key, out var leaf))
                return ValueTask.FromResult(new VolumeChanges(null, [], RemoveLog(key)));
            if (leaf.CarriesOthers)
                throw Faults.Hidden(StorageFault.VolumeDelete, "The VDI carries the data of other VDIs");
            RequireWhole(leaf);
            return ValueTask.FromResult(new VolumeChanges(null, [], RemoveTracked(leaf)));
        },
        StorageFault.VolumeDelete,
        "the VDI was not removed",
        cancellationToken);

    public ValueTask<VolumeChanges> ResizeAsync(string key, long virtualSize, CancellationToken cancellationToken) => LockedAsync(
        async () =>
        {
            if (_raws.TryFind(key, out _))
                throw StorageException.Unimplemented("a plain file keeps its size");
            var leaf = Leaf(key, StorageFault.VolumeResize, "the VDI keeps its size");
            var size = TreeSize.Round(virtualSize);
            if (size < leaf.Size)
                throw Faults.Size("a VDI cannot shrink");
            if (size > leaf.Size)
                await GrowTrackedAsync(leaf, size);
            return Added(leaf);
        },
        StorageFault.VolumeResize,
        "the VDI keeps its size",
        cancellationToken);

    public ValueTask SetNameAsync(string key, string name, string description, CancellationToken cancellationToken) =>
        ChangeMetaAsync(key, meta => meta with { Name = name, Description = description }, cancellationToken);

    public ValueTask SetAsync(string key, IReadOnlyDictionary<string, string?> keys, CancellationToken cancellationToken) =>
        ChangeMetaAsync(
            key,
            meta => meta with
            {
                Keys = keys.Aggregate(meta.Keys, (known, pair) => pair.Value is null ? known.Remove(pair.Key) : known.SetItem(pair.Key, pair.Value)),
            },
            cancellationToken);

    private async ValueTask<VolumeChanges> BranchAsync(string key, Guid uuid, IReadOnlyDictionary<string, string> keys)
    {
        if (_raws.TryFind(key, out _))
            throw StorageException.Unimplemented("a plain file has no snapshots");
        var source = Leaf(key, StorageFault.VolumeClone, "no clone was made");
        if (source.Depth >= MaxDepth)
            throw Faults.ChainTooLong();
        EnsureFree(uuid, StorageFault.VolumeClone, "no clone was made");
        var meta = source.Meta with { Keys = Keys(keys), Shown = null };

        // A leaf without a block shows its parent's data: the new volume hangs beside it.
        if (source is { Parent: { } parent, IsEmpty: true })
            return Added(await AddLeafAsync(uuid, source.Size, parent, meta));

        var step = new TreeSwitch(directory, source, uuid, FreeBaseId(uuid));
        var leaf = await SwitchAsync(step, source, meta);
        var added = new TreeNode(uuid, step.NewUniqueId, source.Size, source) { Meta = meta };
        _index.Add(added);
        directory.Done();
        var info = Info(added);
        return new VolumeChanges(info, [info, Info(leaf), Info(source)], []);
    }

    /// <summary>Runs the file steps and follows them in the index, also where they fail and cannot be taken back.</summary>
    private async ValueTask<TreeNode> SwitchAsync(TreeSwitch step, TreeNode source, VolumeMeta meta)
    {
        try
        {
            await step.RunAsync(meta);
        }
        catch (Exception e) when (Faults.IsForeseen(e))
        {
            if (step.IsHalfDone)
                NoteHalfDone(step, source);
            if (step.IsSwitched)
                _index.Switch(source, step.BaseId, step.LeafUniqueId);
            throw;
        }

        return _index.Switch(source, step.BaseId, step.LeafUniqueId);
    }

    private static ImmutableSortedDictionary<string, string> Keys(IReadOnlyDictionary<string, string> pairs) => VolumeMeta.None.Keys.AddRange(pairs);

    /// <summary>Follows from the new volume's uuid, so that the same calls give the same tree; any other when that one is taken.</summary>
    private Guid FreeBaseId(Guid uuid)
    {
        Span<byte> input = stackalloc byte[17];
        uuid.TryWriteBytes(input, bigEndian: true, out _);
        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(input, hash);
        hash[6] = (byte)(hash[6] & 0x0F | 0x80);
        hash[8] = (byte)(hash[8] & 0x3F | 0x80);
        var id = new Guid(hash[..16], bigEndian: true);
        return _index.Knows(id) || directory.Exists(id) ? Guid.NewGuid() : id;
    }

    private async ValueTask<TreeNode> AddLeafAsync(Guid id, long size, TreeNode? parent, VolumeMeta meta)
    {
        var uniqueId = Guid.NewGuid();
        var temporary = directory.PathOf(id, TreeDirectory.TemporarySuffix);
        try
        {
            await directory.WriteDiskAsync(temporary, size, uniqueId, parent is null ? null : (parent.Id, parent.UniqueId, directory.PathOf(parent.Id)));
            await directory.WriteMetaAsync(id, meta);
            directory.Flush();
            directory.Move(temporary, directory.PathOf(id));
            directory.Flush();
        }
        catch (Exception e) when (Faults.IsForeseen(e))
        {
            directory.TryDeleteAll(id);
            throw;
        }

        var node = new TreeNode(id, uniqueId, size, parent) { Meta = meta };
        _index.Add(node);
        directory.Done();
        return node;
    }

    // The leaf goes first: a base without children is known as abandoned, a child without its base would be lost. With the
    // leaf gone the volume is destroyed, whatever happens to the rest.
    private List<string> Remove(TreeNode leaf, bool keepMeta = false)
    {
        // Before that, what a failed switch may have left: without the leaf nobody could tell what it is.
        directory.TryDelete(leaf.Id, TreeDirectory.NewSuffix);
        directory.Delete(directory.PathOf(leaf.Id));
        _index.Remove(leaf);
        var removed = new List<string> { leaf.Key };
        if (!keepMeta)
            TryDelete(leaf.Id, TreeDirectory.MetaSuffix);
        RemoveBases(leaf.Parent, removed);
        directory.Flush();
        directory.Done();
        return removed;
    }

    private void RemoveBases(TreeNode? from, List<string> removed)
    {
        for (var node = from; node is not null && IsOrphan(node) && _index.Find(node.Id) == node; node = node.Parent)
        {
            _index.Remove(node);
            removed.Add(node.Key);
            TryDeleteBase(node, node.Parent);
        }
    }

    /// <summary>
    /// Deletes the files of a base that is in the index no more. One that stays is noted, and its parent waits for it: with that gone, it
    /// would be a disk that lacks its parent.
    /// </summary>
    private bool TryDeleteBase(TreeNode node, TreeNode? on)
    {
        if (node.Meta.Shown is not null)
            TryDelete(node.Id, TreeDirectory.MetaSuffix);
        if (TryDelete(node.Id, TreeDirectory.VhdSuffix))
            return true;
        _index.Abandon(node.Id, on);
        return false;
    }

    private bool TryDelete(Guid id, string suffix)
    {
        try
        {
            directory.Delete(directory.PathOf(id, suffix));
            return true;
        }
        catch (Exception e) when (Faults.IsForeseen(e))
        {
            return false;
        }
    }

    private async ValueTask GrowAsync(TreeNode leaf, long size)
    {
        if (leaf.Open.IsOpen)
            throw new StorageException(StorageFault.VolumeInUse, "the VDI has open datapaths");
        await using var file = directory.Open(leaf.Id, VhdAccess.ReadWrite);
        var id = Guid.NewGuid();
        leaf.Uncertain = true;
        await file.SetUniqueIdAsync(id);
        await file.ResizeAsync(size);
        leaf.UniqueId = id;
        leaf.Size = size;
        leaf.Uncertain = false;
    }

    private async ValueTask ChangeMetaAsync(string key, Func<VolumeMeta, VolumeMeta> change, CancellationToken cancellationToken) => await LockedAsync(
        async () =>
        {
            if (_raws.TryFind(key, out var raw))
            {
                await _raws.ChangeMetaAsync(raw, change);
                return true;
            }

            if (LogWithoutData(key) is { } log)
            {
                var kept = change(log.Meta);
                await directory.WriteMetaAsync(log.Id, kept);
                log.Meta = kept;
            }
            else
            {
                var leaf = Leaf(key, StorageFault.VolumeUnavailable, "The VDI is not available");
                var meta = change(leaf.Meta);
                await directory.WriteMetaAsync(leaf.Id, meta);
                leaf.Meta = meta;
            }

            directory.Flush();
            directory.Done();
            return true;
        },
        StorageFault.General,
        "the VDI was not changed",
        cancellationToken);

    private void EnsureFree(Guid id, StorageFault fault, string text)
    {
        if (_index.Knows(id) || directory.Exists(id) || _raws.Knows(id) || _logs.Knows(id))
            throw new StorageException(fault, text + " [opterr=VDI " + id + " exists]");
    }

    private VolumeChanges Added(TreeNode node)
    {
        var info = Info(node);
        return new VolumeChanges(info, [info], []);
    }
}
