namespace XapiCompat.Storage;

/// <summary>The disks of one SR that somebody uses; an entry lives from the first user to the last.</summary>
internal sealed class DiskTable
{
    private readonly Lock _lock = new();
    private readonly Dictionary<string, DiskUsers> _disks = new(StringComparer.Ordinal);
    private bool _closed;

    public bool HasDatapaths(string key)
    {
        lock (_lock)
            return _disks.TryGetValue(key, out var disk) && disk.HasDatapaths;
    }

    public bool HasDatapaths()
    {
        lock (_lock)
            return _disks.Values.Any(d => d.HasDatapaths);
    }

    /// <summary>Keeps new datapaths away unless there are some.</summary>
    /// <returns>The keys of volumes that have some.</returns>
    public IReadOnlyList<string> TryClose()
    {
        lock (_lock)
        {
            var open = _disks.Values.Where(d => d.HasDatapaths).Select(d => d.Key).Order(StringComparer.Ordinal).ToArray();
            _closed |= open.Length == 0;
            return open;
        }
    }

    public void Reopen()
    {
        lock (_lock)
            _closed = false;
    }

    /// <summary>Counts a datapath in, waiting while the volume is claimed. Pairs with <see cref="Unregister"/>.</summary>
    public async ValueTask<DiskUsers> RegisterAsync(string key, DatapathMode mode, CancellationToken cancellationToken)
    {
        while (true)
        {
            Task claimed;
            lock (_lock)
            {
                if (_closed)
                    throw new StorageException(StorageFault.SrUnavailable, "the SR cannot be used [opterr=it is being detached]");
                var disk = Entry(key);
                if (disk.Claim is not { } claim)
                {
                    if (mode == DatapathMode.ReadWrite)
                        disk.Writers++;
                    else
                        disk.Readers++;
                    return disk;
                }

                claimed = claim.Task;
            }

            await claimed.WaitAsync(cancellationToken);
        }
    }

    /// <summary>Counts a datapath out.</summary>
    public void Unregister(DiskUsers disk, DatapathMode mode)
    {
        lock (_lock)
        {
            if (mode == DatapathMode.ReadWrite)
                disk.Writers--;
            else
                disk.Readers--;
            Forget(disk);
        }
    }

    public int Writers(DiskUsers disk)
    {
        lock (_lock)
            return disk.Writers;
    }

    /// <summary>Keeps the entry alive; pairs with <see cref="EndVisit"/>.</summary>
    public DiskUsers Visit(string key)
    {
        lock (_lock)
        {
            var disk = Entry(key);
            disk.Visitors++;
            return disk;
        }
    }

    public void EndVisit(DiskUsers disk)
    {
        lock (_lock)
        {
            disk.Visitors--;
            Forget(disk);
        }
    }

    public DiskUsers Find(string key)
    {
        lock (_lock)
            return _disks[key];
    }

    /// <summary>Keeps datapaths away until <see cref="EndClaim"/>; a volume that has some is in use.</summary>
    public DiskUsers Claim(string key)
    {
        lock (_lock)
        {
            var disk = Entry(key);
            if (disk.HasDatapaths || disk.Claim is not null)
                throw new StorageException(StorageFault.VolumeInUse, "the VDI has open datapaths [opterr=" + key + "]");
            disk.Claim = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            return disk;
        }
    }

    public void EndClaim(DiskUsers disk)
    {
        TaskCompletionSource? claim;
        lock (_lock)
        {
            claim = disk.Claim;
            disk.Claim = null;
            Forget(disk);
        }

        claim?.SetResult();
    }

    private DiskUsers Entry(string key)
    {
        if (!_disks.TryGetValue(key, out var disk))
            _disks.Add(key, disk = new DiskUsers(key));
        return disk;
    }

    private void Forget(DiskUsers disk)
    {
        if (disk.IsIdle)
            _disks.Remove(disk.Key);
    }
}
