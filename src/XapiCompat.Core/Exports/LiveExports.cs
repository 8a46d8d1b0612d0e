using XapiCompat.Core.Services;
using XapiCompat.Storage;
using XapiCompat.Store;
using XapiCompat.Values;

namespace XapiCompat.Core.Exports;

/// <summary>
/// Disks that are offered to NBD clients while they are in use: writers go through the gate that a snapshot closes, so a
/// snapshot is an instant for them too. While it is offered, a disk has an open datapath and is neither destroyed nor
/// resized. Nothing of this outlives the process.
/// </summary>
public sealed class LiveExports(RecordStore store, StorageHost storage, VdiService vdis, TimeProvider clock)
{
    private const int LongestName = 256;

    private readonly Lock _lock = new();
    private readonly SortedDictionary<string, LiveExport?> _exports = new(StringComparer.Ordinal);

    /// <summary>
    /// Offers a disk. Read-only ones show what is written to the disk meanwhile; those of snapshots never change.
    /// </summary>
    /// <param name="vdi">Reference or uuid.</param>
    /// <param name="name">What clients ask for; null or empty: the uuid.</param>
    public async ValueTask<LiveExport> StartAsync(string vdi, bool writable, string? name, CancellationToken cancellationToken)
    {
        var record = store.FindDisk(vdi).RequireData();
        if (writable && record.Flag("read_only"))
            throw new XenException("VDI_READONLY", record.Reference);
        var sr = store.Current.Get("SR", record.Target("SR"));
        var attached = storage.Attached(sr);
        var chosen = Reserve(string.IsNullOrEmpty(name) ? record.Uuid : name);
        try
        {
            // The writers' device sees what they write; one of its own would keep an old map of the disk.
            var isLive = writable || !(record.Flag("read_only") || record.Flag("is_a_snapshot"));
            var device = await store.OpenDiskAsync(attached, record, isLive ? DatapathMode.ReadWrite : DatapathMode.Read, cancellationToken);
            var export = new LiveExport(chosen, record.Reference, record.Uuid, writable, device, clock.GetUtcNow());
            lock (_lock)
                _exports[chosen] = export;
            return export;
        }
        catch (Exception e)
        {
            lock (_lock)
                _exports.Remove(chosen);
            if (StorageErrors.IsForeseen(e))
                throw StorageErrors.Translate(e, sr.Reference, record.Reference, "attach").AsException();
            throw;
        }
    }

    /// <summary>By name.</summary>
    public IReadOnlyList<LiveExport> List()
    {
        lock (_lock)
            return [.. _exports.Values.OfType<LiveExport>()];
    }

    public bool Any
    {
        get
        {
            lock (_lock)
                return _exports.Count > 0;
        }
    }

    public LiveExport? Find(string name)
    {
        lock (_lock)
            return _exports.GetValueOrDefault(name);
    }

    /// <summary>
    /// Takes an export back: requests under way are answered, connections closed. The name is free when this returns.
    /// </summary>
    /// <returns>False when there is no such export.</returns>
    public async ValueTask<bool> StopAsync(string name)
    {
        LiveExport? export;
        lock (_lock)
        {
            if (!_exports.TryGetValue(name, out export) || export is null)
                return false;
            _exports[name] = null;
        }

        try
        {
            await export.DisposeAsync();
        }
        finally
        {
            lock (_lock)
                _exports.Remove(name);
        }

        if (export.Writable && store.Current.Find(export.Vdi) is { } record)
            await RefreshAsync(record);
        return true;
    }

    public async ValueTask StopAllAsync()
    {
        foreach (var export in List())
            await StopAsync(export.Name);
    }

    private string Reserve(string name)
    {
        // A slash begins the names of disks that are authorised by a session.
        if (name.Length > LongestName || name[0] == '/' || name.Any(char.IsControl))
            throw new XenException("INVALID_VALUE", "name", name);
        lock (_lock)
        {
            if (!_exports.TryAdd(name, null))
                throw new XenException("INVALID_VALUE", "name", name);
        }

        return name;
    }

    private async ValueTask RefreshAsync(Record record)
    {
        try
        {
            await vdis.RefreshAsync(record, CancellationToken.None);
        }
        catch (Exception e) when (StorageErrors.IsForeseen(e))
        {
            // The export is gone all the same; a later scan brings the record's utilisation up to date.
        }
    }
}
