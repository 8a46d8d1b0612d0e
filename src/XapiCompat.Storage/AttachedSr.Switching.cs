namespace XapiCompat.Storage;

/// <summary>Snapshots and clones under writers: the gate is held, the leaf changes, the writers go on on the new one.</summary>
public sealed partial class AttachedSr
{
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
}
