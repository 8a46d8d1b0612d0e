using XapiCompat.Disks;

namespace XapiCompat.Storage;

/// <summary>
/// An attached SR as the host uses it: the plugin's <see cref="ISr"/>, one call at a time where it changes the SR,
/// and a gate per disk. Every datapath is opened here, so that a snapshot finds all writers of its disk.
/// </summary>
/// <remarks>Locks are taken in this order: gates (by SR uuid and key), a disk's switching lock, the SR's change lock.</remarks>
public sealed partial class AttachedSr(Guid uuid, ISr sr) : IAsyncDisposable
{
    private static readonly Dictionary<string, string> NoKeys = [];

    private readonly DiskTable _disks = new();
    private readonly SemaphoreSlim _changes = new(1, 1);

    /// <summary>The SR's uuid.</summary>
    public Guid Uuid { get; } = uuid;

    /// <summary>True while a datapath to any volume is open; detaching then would cut it.</summary>
    public bool HasOpenDatapaths => _disks.HasDatapaths();

    /// <summary>True while a datapath to the volume is open.</summary>
    public bool IsOpen(string key) => _disks.HasDatapaths(key);

    /// <inheritdoc cref="ISr.Problems"/>
    public IReadOnlyList<string> Problems => sr.Problems;

    /// <inheritdoc cref="ISr.StatAsync"/>
    public ValueTask<SrStat> StatAsync(CancellationToken cancellationToken) => sr.StatAsync(cancellationToken);

    /// <inheritdoc cref="ISr.ListAsync"/>
    public ValueTask<IReadOnlyList<VolumeInfo>> ListAsync(CancellationToken cancellationToken) => sr.ListAsync(cancellationToken);

    /// <inheritdoc cref="ISr.StatVolumeAsync"/>
    public ValueTask<VolumeInfo> StatVolumeAsync(string key, CancellationToken cancellationToken) =>
        sr.StatVolumeAsync(key, cancellationToken);

    /// <inheritdoc cref="ISr.CompareAsync"/>
    public ValueTask<IReadOnlyList<Extent>?> CompareAsync(string baseKey, string key, CancellationToken cancellationToken) =>
        sr.CompareAsync(baseKey, key, cancellationToken);

    /// <inheritdoc cref="ISr.CreateVolumeAsync"/>
    public ValueTask<VolumeChanges> CreateVolumeAsync(VolumeSpec spec, CancellationToken cancellationToken) =>
        ChangeAsync(() => sr.CreateVolumeAsync(spec, cancellationToken), cancellationToken);

    /// <inheritdoc cref="ISr.SetNameAsync"/>
    public ValueTask SetNameAsync(string key, string name, string description, CancellationToken cancellationToken) =>
        ChangeAsync(() => sr.SetNameAsync(key, name, description, cancellationToken), cancellationToken);

    /// <inheritdoc cref="ISr.SetAsync"/>
    public ValueTask SetAsync(string key, IReadOnlyDictionary<string, string?> keys, CancellationToken cancellationToken) =>
        ChangeAsync(() => sr.SetAsync(key, keys, cancellationToken), cancellationToken);

    /// <summary>As <see cref="ISr.DestroyVolumeAsync"/>; <see cref="StorageFault.VolumeInUse"/> while a datapath is open.</summary>
    public ValueTask<VolumeChanges> DestroyVolumeAsync(string key, CancellationToken cancellationToken) =>
        ClaimAsync(key, () => sr.DestroyVolumeAsync(key, cancellationToken), cancellationToken);

    /// <summary>As <see cref="ISr.ResizeAsync"/>; <see cref="StorageFault.VolumeInUse"/> while a datapath is open.</summary>
    public ValueTask<VolumeChanges> ResizeAsync(string key, long virtualSize, CancellationToken cancellationToken) =>
        ClaimAsync(key, () => sr.ResizeAsync(key, virtualSize, cancellationToken), cancellationToken);

    /// <summary>As <see cref="ISr.RevertAsync"/>; <see cref="StorageFault.VolumeInUse"/> while a datapath to the volume is open.</summary>
    public ValueTask<VolumeChanges> RevertAsync(string snapshotKey, string key, CancellationToken cancellationToken) =>
        ClaimAsync(key, () => sr.RevertAsync(snapshotKey, key, cancellationToken), cancellationToken);

    /// <summary>
    /// Opens a datapath. All writable ones of a volume share one device and go on across snapshots; a read-only one
    /// keeps the state of its opening for as long as nobody writes to the volume.
    /// </summary>
    public async ValueTask<GatedBlockDevice> OpenAsync(string key, DatapathMode mode, CancellationToken cancellationToken)
    {
        var disk = await _disks.RegisterAsync(key, mode, cancellationToken);
        try
        {
            var device = mode == DatapathMode.ReadWrite
                ? await OpenWriterAsync(disk, cancellationToken)
                : new SwitchableDevice(await sr.OpenAsync(key, mode, cancellationToken));
            return new GatedBlockDevice(key, mode, device, disk.Gate, () => CloseAsync(disk, mode, device));
        }
        catch
        {
            await CloseAsync(disk, mode, null);
            throw;
        }
    }

    /// <summary>As the plugin's snapshot, beside readers and under writers: these wait at the gate meanwhile.</summary>
    public async ValueTask<VolumeChanges> SnapshotAsync(
        string key, Guid newUuid, IReadOnlyDictionary<string, string> driverParams, CancellationToken cancellationToken)
    {
        await using var hold = await HoldAsync([key], cancellationToken);
        return await SnapshotAsync(hold, key, newUuid, driverParams, cancellationToken);
    }

    /// <summary>The same under a hold that the caller has taken for several disks.</summary>
    public ValueTask<VolumeChanges> SnapshotAsync(
        DiskHold hold, string key, Guid newUuid, IReadOnlyDictionary<string, string> driverParams, CancellationToken cancellationToken) =>
        SnapshotAsync(hold, key, newUuid, driverParams, NoKeys, cancellationToken);

    /// <summary>The same with pairs of the host that the snapshot has from the start.</summary>
    public ValueTask<VolumeChanges> SnapshotAsync(
        DiskHold hold, string key, Guid newUuid, IReadOnlyDictionary<string, string> driverParams, IReadOnlyDictionary<string, string> keys, CancellationToken cancellationToken) =>
        SwitchAsync(hold, key, () => sr.SnapshotAsync(key, newUuid, driverParams, keys, cancellationToken), cancellationToken);

    /// <summary>As the plugin's clone, beside readers and under writers: these wait at the gate meanwhile.</summary>
    public async ValueTask<VolumeChanges> CloneAsync(
        string key, Guid newUuid, IReadOnlyDictionary<string, string> driverParams, CancellationToken cancellationToken)
    {
        await using var hold = await HoldAsync([key], cancellationToken);
        return await CloneAsync(hold, key, newUuid, driverParams, cancellationToken);
    }

    /// <summary>The same under a hold that the caller has taken for several disks.</summary>
    public ValueTask<VolumeChanges> CloneAsync(
        DiskHold hold, string key, Guid newUuid, IReadOnlyDictionary<string, string> driverParams, CancellationToken cancellationToken) =>
        CloneAsync(hold, key, newUuid, driverParams, NoKeys, cancellationToken);

    /// <summary>The same with pairs of the host that the clone has from the start.</summary>
    public ValueTask<VolumeChanges> CloneAsync(
        DiskHold hold, string key, Guid newUuid, IReadOnlyDictionary<string, string> driverParams, IReadOnlyDictionary<string, string> keys, CancellationToken cancellationToken) =>
        SwitchAsync(hold, key, () => sr.CloneAsync(key, newUuid, driverParams, keys, cancellationToken), cancellationToken);

    /// <summary>Stops the writers of several disks of this SR at one instant; see <see cref="DiskHold"/> for several SRs.</summary>
    public ValueTask<DiskHold> HoldAsync(IEnumerable<string> keys, CancellationToken cancellationToken) =>
        DiskHold.AcquireAsync(keys.Select(key => new HeldDisk(this, key)), cancellationToken);

    internal async ValueTask HoldGateAsync(string key, CancellationToken cancellationToken)
    {
        var disk = _disks.Visit(key);
        try
        {
            await disk.Gate.HoldAsync(cancellationToken);
        }
        catch
        {
            _disks.EndVisit(disk);
            throw;
        }
    }

    internal void OpenGate(string key)
    {
        var disk = _disks.Find(key);
        disk.Gate.Open();
        _disks.EndVisit(disk);
    }

    internal async ValueTask FlushAsync(string key, CancellationToken cancellationToken)
    {
        var disk = _disks.Visit(key);
        try
        {
            await disk.Switching.WaitAsync(cancellationToken);
            try
            {
                await FlushAsync(disk, cancellationToken);
            }
            finally
            {
                disk.Switching.Release();
            }
        }
        finally
        {
            _disks.EndVisit(disk);
        }
    }

    private static async ValueTask FlushAsync(DiskUsers disk, CancellationToken cancellationToken)
    {
        if (disk.Writer is not { } writer)
            return;
        var slot = writer.Borrow();
        try
        {
            await slot.Device.FlushAsync(cancellationToken);
        }
        finally
        {
            await writer.ReturnAsync(slot);
        }
    }

    private async ValueTask<SwitchableDevice> OpenWriterAsync(DiskUsers disk, CancellationToken cancellationToken)
    {
        // Through the gate: opened in the middle of a switch, the device would write to what has become a base.
        await disk.Gate.EnterAsync(cancellationToken);
        try
        {
            await disk.Switching.WaitAsync(cancellationToken);
            try
            {
                return disk.Writer ??= new SwitchableDevice(await sr.OpenAsync(disk.Key, DatapathMode.ReadWrite, cancellationToken));
            }
            finally
            {
                disk.Switching.Release();
            }
        }
        finally
        {
            disk.Gate.Leave();
        }
    }

    private async ValueTask CloseAsync(DiskUsers disk, DatapathMode mode, SwitchableDevice? device)
    {
        if (mode == DatapathMode.Read)
        {
            try
            {
                if (device is not null)
                    await device.CloseAsync();
            }
            finally
            {
                _disks.Unregister(disk, mode);
            }

            return;
        }

        await disk.Switching.WaitAsync(CancellationToken.None);
        try
        {
            if (_disks.Writers(disk) == 1 && disk.Writer is { } writer)
            {
                disk.Writer = null;
                await writer.CloseAsync();
            }
        }
        finally
        {
            _disks.Unregister(disk, mode);
            disk.Switching.Release();
        }
    }

    private async ValueTask<VolumeChanges> SwitchAsync(
        DiskHold hold, string key, Func<ValueTask<VolumeChanges>> change, CancellationToken cancellationToken)
    {
        if (!hold.Covers(this, key))
            throw new ArgumentException("The hold does not cover the disk.", nameof(hold));
        var disk = _disks.Find(key);
        await disk.Switching.WaitAsync(cancellationToken);
        try
        {
            await FlushAsync(disk, cancellationToken);
            try
            {
                return await ChangeAsync(change, cancellationToken);
            }
            finally
            {
                await ReopenAsync(disk);
            }
        }
        finally
        {
            disk.Switching.Release();
        }
    }

    /// <summary>After a failed change too: only the plugin knows how far it came.</summary>
    private async ValueTask ReopenAsync(DiskUsers disk)
    {
        if (disk.Writer is not { } writer)
            return;
        try
        {
            await writer.ReplaceAsync(await sr.OpenAsync(disk.Key, DatapathMode.ReadWrite, CancellationToken.None));
        }
        catch (Exception e) when (e is StorageException or IOException or UnauthorizedAccessException)
        {
            await writer.BreakAsync(e);
        }
    }

    private async ValueTask<VolumeChanges> ClaimAsync(
        string key, Func<ValueTask<VolumeChanges>> change, CancellationToken cancellationToken)
    {
        var disk = _disks.Claim(key);
        try
        {
            return await ChangeAsync(change, cancellationToken);
        }
        finally
        {
            _disks.EndClaim(disk);
        }
    }

    private async ValueTask<T> ChangeAsync<T>(Func<ValueTask<T>> change, CancellationToken cancellationToken)
    {
        await _changes.WaitAsync(cancellationToken);
        try
        {
            return await change();
        }
        finally
        {
            _changes.Release();
        }
    }

    private async ValueTask ChangeAsync(Func<ValueTask> change, CancellationToken cancellationToken)
    {
        await _changes.WaitAsync(cancellationToken);
        try
        {
            await change();
        }
        finally
        {
            _changes.Release();
        }
    }
}
