using XapiCompat.Disks;

namespace XapiCompat.Storage.VhdTree;

/// <summary>An attached tree. Everything but the use of open datapaths happens under one lock, for a few file steps at most.</summary>
internal sealed partial class VhdTreeSr(TreeDirectory directory, IDisposable? place = null) : ISr
{
    /// <summary>Files in a chain from which on it takes no further snapshot.</summary>
    private const int MaxDepth = 30;

    private readonly SemaphoreSlim _lock = new(1, 1);
    private readonly TreeIndex _index = new();
    private readonly OpenChains _chains = new(directory);
    private readonly RawVolumes _raws = new(directory);
    private readonly CbtLogs _logs = new(directory);

    public IReadOnlyList<string> Problems { get; private set; } = [];

    public async ValueTask AttachAsync(CancellationToken cancellationToken) => await LockedAsync(
        async () =>
        {
            await new TreeRecovery(directory, _index, _logs).RunAsync();
            _raws.Load();
            NoteProblems();
            return true;
        },
        StorageFault.ScanFailed,
        "the SR cannot be read",
        cancellationToken);

    public ValueTask<SrStat> StatAsync(CancellationToken cancellationToken) => LockedAsync(
        () => ValueTask.FromResult(new SrStat(
            new DriveInfo(directory.Path).TotalSize,
            _index.Nodes.Sum(node => directory.Length(node.Id)) + _raws.Utilisation + LogsWithoutData.Sum(log => log.Length),
            _index.Nodes.Where(node => !node.Hidden).Sum(node => node.Size) + _raws.Allocation)),
        StorageFault.SrUnavailable,
        "the SR cannot be used",
        cancellationToken);

    /// <summary>Looks at the directory too: files put there by hand become volumes, files taken away are forgotten.</summary>
    public ValueTask<IReadOnlyList<VolumeInfo>> ListAsync(CancellationToken cancellationToken) => LockedAsync(
        () =>
        {
            RemoveAbandoned();
            Look();
            _raws.Load();
            new CbtRecovery(directory, _index, _logs).Load();
            NoteProblems();
            foreach (var node in _index.Nodes.Where(n => n.Uncertain && !n.Open.IsOpen))
                Refresh(node);
            return ValueTask.FromResult<IReadOnlyList<VolumeInfo>>([.. _index.Nodes.Select(Info), .. _raws.Infos, .. LogsWithoutData.Select(Info)]);
        },
        StorageFault.ScanFailed,
        "the SR cannot be read",
        cancellationToken);

    public ValueTask<VolumeInfo> StatVolumeAsync(string key, CancellationToken cancellationToken) => LockedAsync(
        () =>
        {
            if (_raws.TryFind(key, out var raw))
                return ValueTask.FromResult(_raws.Info(raw));
            if (LogWithoutData(key) is { } log)
                return ValueTask.FromResult(Info(log));
            var node = _index.Find(key);
            if (!node.Open.IsOpen)
                Refresh(node);
            return ValueTask.FromResult(Info(node));
        },
        StorageFault.VolumeLoad, "the VDI cannot be read", cancellationToken);

    public ValueTask<IReadOnlyList<Extent>?> CompareAsync(string baseKey, string key, CancellationToken cancellationToken) => LockedAsync(
        async () =>
        {
            if (_raws.TryFind(key, out _) || _raws.TryFind(baseKey, out _))
                return null;
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
        "the VDI cannot be read",
        cancellationToken);

    public ValueTask<IBlockDevice> OpenAsync(string key, DatapathMode mode, CancellationToken cancellationToken) => LockedAsync<IBlockDevice>(
        () =>
        {
            if (_raws.TryFind(key, out var raw))
                return ValueTask.FromResult<IBlockDevice>(_raws.Open(raw, mode));
            var node = mode == DatapathMode.ReadWrite
                ? Leaf(key, StorageFault.VolumeUnavailable, "The VDI is not available")
                : _index.Find(key);
            if (node.Merging)
                throw new StorageException(StorageFault.VolumeUnavailable, "The VDI is not available [opterr=it is being merged]");
            return ValueTask.FromResult<IBlockDevice>(new TreeDevice(_chains.Borrow(node, mode), mode, _chains, _logs));
        },
        StorageFault.VolumeLoad,
        "the VDI cannot be read",
        cancellationToken);

    /// <summary>Waits for what is under way; a straggler afterwards still finds its lock.</summary>
    public async ValueTask DisposeAsync()
    {
        await _lock.WaitAsync();
        _logs.Close();
        place?.Dispose();
        _lock.Release();
    }

    private void Look()
    {
        var present = directory.Ids(TreeDirectory.VhdSuffix).ToHashSet();
        _index.Forget(id => present.Contains(id) || _halfDone.Exists(half => half.Node.Id == id));
        new TreeLoader(directory, _index).Load();
    }

    private TreeNode Leaf(string key, StorageFault fault, string text)
    {
        var node = _index.Find(key);
        if (node.CarriesOthers)
            throw Faults.Hidden(fault, text);
        RequireWhole(node);
        Refresh(node);
        return node;
    }

    private void Refresh(TreeNode node)
    {
        if (!node.Uncertain)
            return;
        if (directory.TryReadHead(node.Id, out var problem) is not { } head)
            throw new StorageException(StorageFault.VolumeLoad, "the VDI cannot be read [opterr=" + problem + "]");
        node.UniqueId = head.Footer.UniqueId;
        node.Size = head.Footer.CurrentSize;
        node.Uncertain = false;
    }

    private VolumeInfo Info(TreeNode node) => new(
        node.Key,
        node.Id,
        node.Hidden ? "base copy" : node.Meta.Name,
        node.Meta.Description,
        ReadWrite: !node.CarriesOthers,
        node.Meta.Sharable,
        node.Size,
        directory.Length(node.Id),
        Managed: !node.Hidden,
        node.ObserveDataId(),
        node.Parent is { } parent ? new Dictionary<string, string> { ["vhd-parent"] = parent.Key } : new Dictionary<string, string>(),
        node.Meta.Keys)
    {
        CbtEnabled = !node.Hidden && _logs.Find(node.Id) is not null,
    };

    private void NoteProblems() => Problems =
    [
        .. _index.Broken.Select(pair => directory.PathOf(pair.Key) + ": " + pair.Value),
        .. _index.Strangers.Keys.Select(name => Path.Combine(directory.Path, name) + ": it has a parent, but its name is not <uuid>.vhd"),
        .. _logs.Problems,
    ];

    private async ValueTask<T> LockedAsync<T>(
        Func<ValueTask<T>> action, StorageFault fault, string text, CancellationToken cancellationToken)
    {
        await _lock.WaitAsync(cancellationToken);
        try
        {
            if (_halfDone.Count > 0)
                await TakeBackAsync();
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
