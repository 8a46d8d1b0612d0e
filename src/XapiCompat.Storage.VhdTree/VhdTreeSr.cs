using System.Collections.Immutable;
using XapiCompat.Disks;
using XapiCompat.Disks.Vhd;

namespace XapiCompat.Storage.VhdTree;

/// <summary>An attached tree. Everything but the use of open datapaths happens under one lock, for a few file steps at most.</summary>
internal sealed class VhdTreeSr(TreeDirectory directory, IDisposable? place = null) : ISr
{
    /// <summary>Files in a chain from which on it takes no further snapshot.</summary>
    private const int MaxDepth = 30;

    private readonly SemaphoreSlim _lock = new(1, 1);
    private readonly TreeIndex _index = new();
    private readonly OpenChains _chains = new(directory);

    public IReadOnlyList<string> Problems { get; private set; } = [];

    public async ValueTask AttachAsync(CancellationToken cancellationToken) => await LockedAsync(
        () =>
        {
            new TreeRecovery(directory, _index).Run();
            NoteProblems();
            return ValueTask.FromResult(true);
        },
        StorageFault.ScanFailed,
        "The SR scan failed",
        cancellationToken);

    public ValueTask<SrStat> StatAsync(CancellationToken cancellationToken) => LockedAsync(
        () => ValueTask.FromResult(new SrStat(
            new DriveInfo(directory.Path).TotalSize,
            _index.Nodes.Sum(node => directory.Length(node.Id)),
            _index.Nodes.Where(node => !node.Hidden).Sum(node => node.Size))),
        StorageFault.SrUnavailable,
        "The SR is not available",
        cancellationToken);

    /// <summary>Looks at the directory too: files put there by hand become volumes, files taken away are forgotten.</summary>
    public ValueTask<IReadOnlyList<VolumeInfo>> ListAsync(CancellationToken cancellationToken) => LockedAsync(
        () =>
        {
            foreach (var id in _index.Abandoned)
                TryDelete(id, TreeDirectory.VhdSuffix);
            var present = directory.Ids(TreeDirectory.VhdSuffix).ToHashSet();
            _index.Forget(present.Contains);
            new TreeLoader(directory, _index).Load();
            NoteProblems();
            return ValueTask.FromResult<IReadOnlyList<VolumeInfo>>([.. _index.Nodes.Select(Info)]);
        },
        StorageFault.ScanFailed,
        "The SR scan failed",
        cancellationToken);

    public ValueTask<VolumeInfo> StatVolumeAsync(string key, CancellationToken cancellationToken) => LockedAsync(
        () => ValueTask.FromResult(Info(_index.Find(key))), StorageFault.VolumeLoad, "Failed to load the VDI", cancellationToken);

    public ValueTask<VolumeChanges> CreateVolumeAsync(VolumeSpec spec, CancellationToken cancellationToken) => LockedAsync(
        async () =>
        {
            var size = TreeSize.Round(spec.VirtualSize);
            if (spec.SmConfig.GetValueOrDefault("type") == "raw")
                throw new StorageException(StorageFault.VolumeType, "Invalid VDI type [opterr=raw]");
            EnsureFree(spec.Uuid, StorageFault.VolumeCreate, "VDI Creation failed");
            return Added(await AddLeafAsync(
                spec.Uuid, size, null, VolumeMeta.None with { Name = spec.Name, Description = spec.Description, Sharable = spec.Sharable, Keys = Keys(spec.Keys) }));
        },
        StorageFault.VolumeCreate,
        "VDI Creation failed",
        cancellationToken);

    public ValueTask<VolumeChanges> SnapshotAsync(
        string key, Guid uuid, IReadOnlyDictionary<string, string> driverParams, CancellationToken cancellationToken) =>
        SnapshotAsync(key, uuid, driverParams, VolumeMeta.None.Keys, cancellationToken);

    public ValueTask<VolumeChanges> SnapshotAsync(
        string key, Guid uuid, IReadOnlyDictionary<string, string> driverParams, IReadOnlyDictionary<string, string> keys, CancellationToken cancellationToken) => LockedAsync(
        () => BranchAsync(key, uuid, keys), StorageFault.VolumeSnapshot, "Failed to snapshot VDI", cancellationToken);

    public ValueTask<VolumeChanges> CloneAsync(
        string key, Guid uuid, IReadOnlyDictionary<string, string> driverParams, CancellationToken cancellationToken) =>
        CloneAsync(key, uuid, driverParams, VolumeMeta.None.Keys, cancellationToken);

    public ValueTask<VolumeChanges> CloneAsync(
        string key, Guid uuid, IReadOnlyDictionary<string, string> driverParams, IReadOnlyDictionary<string, string> keys, CancellationToken cancellationToken) => LockedAsync(
        () => BranchAsync(key, uuid, keys), StorageFault.VolumeClone, "Failed to clone VDI", cancellationToken);

    public ValueTask<VolumeChanges> DestroyVolumeAsync(string key, CancellationToken cancellationToken) => LockedAsync(
        () =>
        {
            if (!_index.TryFind(key, out var leaf))
                return ValueTask.FromResult(new VolumeChanges(null, [], []));
            if (leaf.Hidden)
                throw Faults.Hidden(StorageFault.VolumeDelete, "The VDI carries the data of other VDIs");
            return ValueTask.FromResult(new VolumeChanges(null, [], Remove(leaf)));
        },
        StorageFault.VolumeDelete,
        "Failed to delete the VDI",
        cancellationToken);

    public ValueTask<VolumeChanges> ResizeAsync(string key, long virtualSize, CancellationToken cancellationToken) => LockedAsync(
        async () =>
        {
            var leaf = Leaf(key, StorageFault.VolumeResize, "Failed to resize the VDI");
            var size = TreeSize.Round(virtualSize);
            if (size < leaf.Size)
                throw Faults.Size("a VDI cannot shrink");
            if (size > leaf.Size)
                await GrowAsync(leaf, size);
            return Added(leaf);
        },
        StorageFault.VolumeResize,
        "Failed to resize the VDI",
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

    public ValueTask<IReadOnlyList<Extent>?> CompareAsync(string baseKey, string key, CancellationToken cancellationToken) => LockedAsync(
        async () =>
        {
            var disk = _index.Find(key);
            var layers = _chains.Borrow(TreeCompare.Exclusive(_index.Find(baseKey), disk));
            try
            {
                return (IReadOnlyList<Extent>?)TreeCompare.Ranges(layers, disk.Size);
            }
            finally
            {
                await _chains.ReturnAsync(layers);
            }
        },
        StorageFault.VolumeLoad,
        "Failed to load the VDI",
        cancellationToken);

    public ValueTask<IBlockDevice> OpenAsync(string key, DatapathMode mode, CancellationToken cancellationToken) => LockedAsync<IBlockDevice>(
        () =>
        {
            var node = mode == DatapathMode.ReadWrite
                ? Leaf(key, StorageFault.VolumeUnavailable, "The VDI is not available")
                : _index.Find(key);
            return ValueTask.FromResult<IBlockDevice>(new TreeDevice(_chains.Borrow(node, mode), mode, _chains));
        },
        StorageFault.VolumeLoad,
        "Failed to load the VDI",
        cancellationToken);

    /// <summary>Waits for what is under way; a straggler afterwards still finds its lock.</summary>
    public async ValueTask DisposeAsync()
    {
        await _lock.WaitAsync();
        place?.Dispose();
        _lock.Release();
    }

    private async ValueTask<VolumeChanges> BranchAsync(string key, Guid uuid, IReadOnlyDictionary<string, string> keys)
    {
        var source = Leaf(key, StorageFault.VolumeClone, "Failed to clone VDI");
        if (source.Depth >= MaxDepth)
            throw Faults.ChainTooLong();
        EnsureFree(uuid, StorageFault.VolumeClone, "Failed to clone VDI");
        var meta = source.Meta with { Keys = Keys(keys) };

        // A leaf without a block shows its parent's data: the new volume hangs beside it.
        if (source is { Parent: { } parent, IsEmpty: true })
            return Added(await AddLeafAsync(uuid, source.Size, parent, meta));

        var step = new TreeSwitch(directory, source, uuid, Guid.NewGuid());
        await step.RunAsync(meta);
        var leaf = _index.Switch(source, step.BaseId, step.LeafUniqueId);
        var added = new TreeNode(uuid, step.NewUniqueId, source.Size, source) { Meta = meta };
        _index.Add(added);
        directory.Done();
        var info = Info(added);
        return new VolumeChanges(info, [info, Info(leaf), Info(source)], []);
    }

    private static ImmutableSortedDictionary<string, string> Keys(IReadOnlyDictionary<string, string> pairs) => VolumeMeta.None.Keys.AddRange(pairs);

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
    private List<string> Remove(TreeNode leaf)
    {
        directory.Delete(directory.PathOf(leaf.Id));
        _index.Remove(leaf);
        var removed = new List<string> { leaf.Key };
        TryDelete(leaf.Id, TreeDirectory.MetaSuffix);
        for (var node = leaf.Parent; node is { Hidden: true, Children: 0 }; node = node.Parent)
        {
            _index.Remove(node);
            removed.Add(node.Key);
            if (!TryDelete(node.Id, TreeDirectory.VhdSuffix))
                _index.Abandon(node.Id);
        }

        directory.Flush();
        directory.Done();
        return removed;
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
            throw new StorageException(StorageFault.VolumeInUse, "The VDI is currently in use");
        await using var file = VhdFile.Open(directory.PathOf(leaf.Id), VhdAccess.ReadWrite);
        var id = Guid.NewGuid();
        await file.SetUniqueIdAsync(id);
        leaf.UniqueId = id;
        await file.ResizeAsync(size);
        leaf.Size = size;
    }

    private async ValueTask ChangeMetaAsync(string key, Func<VolumeMeta, VolumeMeta> change, CancellationToken cancellationToken) => await LockedAsync(
        async () =>
        {
            var leaf = Leaf(key, StorageFault.VolumeUnavailable, "The VDI is not available");
            var meta = change(leaf.Meta);
            await directory.WriteMetaAsync(leaf.Id, meta);
            leaf.Meta = meta;
            directory.Flush();
            directory.Done();
            return true;
        },
        StorageFault.General,
        "General backend error",
        cancellationToken);

    private TreeNode Leaf(string key, StorageFault fault, string text)
    {
        var node = _index.Find(key);
        return node.Hidden ? throw Faults.Hidden(fault, text) : node;
    }

    private void EnsureFree(Guid id, StorageFault fault, string text)
    {
        if (_index.Knows(id) || directory.Exists(id))
            throw new StorageException(fault, text + " [opterr=VDI " + id + " exists]");
    }

    private VolumeChanges Added(TreeNode node)
    {
        var info = Info(node);
        return new VolumeChanges(info, [info], []);
    }

    private VolumeInfo Info(TreeNode node) => new(
        node.Key,
        node.Id,
        node.Hidden ? "base copy" : node.Meta.Name,
        node.Meta.Description,
        ReadWrite: !node.Hidden,
        node.Meta.Sharable,
        node.Size,
        directory.Length(node.Id),
        Managed: !node.Hidden,
        node.ObserveDataId(),
        node.Parent is { } parent ? new Dictionary<string, string> { ["vhd-parent"] = parent.Key } : new Dictionary<string, string>(),
        node.Meta.Keys);

    private void NoteProblems() => Problems = [.. _index.Broken.Select(pair => directory.PathOf(pair.Key) + ": " + pair.Value)];

    private async ValueTask<T> LockedAsync<T>(
        Func<ValueTask<T>> action, StorageFault fault, string text, CancellationToken cancellationToken)
    {
        await _lock.WaitAsync(cancellationToken);
        try
        {
            return await action();
        }
        catch (Exception e) when (Faults.IsForeseen(e))
        {
            throw Faults.From(e, fault, text);
        }
        finally
        {
            _lock.Release();
        }
    }
}
