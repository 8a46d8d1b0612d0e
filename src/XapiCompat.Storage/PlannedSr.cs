using System.Collections.Concurrent;
using System.Runtime.CompilerServices;
using System.Security.Cryptography;
using XapiCompat.Disks;

namespace XapiCompat.Storage;

/// <summary>
/// An SR with planned volumes. Whatever is asked about one of them, the plugin makes it first and then answers itself;
/// only lists show it as it will be. Made, then noted, then used: an interruption in between leaves a volume that the
/// next attach finds.
/// </summary>
/// <param name="planned">Key to the line of the plan; lines are read when they are needed.</param>
internal sealed class PlannedSr(ISr inner, ConcurrentDictionary<string, string> planned, Func<string, PlannedVolume> parse, Action<string> noteMade) : ISr
{
    private static readonly Dictionary<string, string> None = [];

    private readonly SemaphoreSlim _making = new(1, 1);
    private readonly Lazy<StrongBox<long>> _size = new(() => new(planned.Values.Sum(l => parse(l).Size)));

    public IReadOnlyList<string> Problems => inner.Problems;

    public ISrCollector? Collector => inner.Collector;

    public async ValueTask<SrStat> StatAsync(CancellationToken cancellationToken)
    {
        var stat = await inner.StatAsync(cancellationToken);
        return stat with { VirtualAllocation = stat.VirtualAllocation + Interlocked.Read(ref _size.Value.Value) };
    }

    public async ValueTask<IReadOnlyList<VolumeInfo>> ListAsync(CancellationToken cancellationToken)
    {
        // Nothing is made meanwhile: a volume in neither list would lose its record.
        await _making.WaitAsync(cancellationToken);
        try
        {
            return [.. await inner.ListAsync(cancellationToken), .. planned.Values.Select(l => Info(parse(l)))];
        }
        finally
        {
            _making.Release();
        }
    }

    public async ValueTask<VolumeInfo> StatVolumeAsync(string key, CancellationToken cancellationToken)
    {
        await MakeAsync(key, cancellationToken);
        return await inner.StatVolumeAsync(key, cancellationToken);
    }

    public async ValueTask<VolumeChanges> CreateVolumeAsync(VolumeSpec spec, CancellationToken cancellationToken)
    {
        await MakeAsync(spec.Uuid.ToString("D"), cancellationToken);
        return await inner.CreateVolumeAsync(spec, cancellationToken);
    }

    public async ValueTask<VolumeChanges> SnapshotAsync(string key, Guid uuid, IReadOnlyDictionary<string, string> driverParams, CancellationToken cancellationToken)
    {
        await MakeAsync(key, cancellationToken);
        return await inner.SnapshotAsync(key, uuid, driverParams, cancellationToken);
    }

    public async ValueTask<VolumeChanges> CloneAsync(string key, Guid uuid, IReadOnlyDictionary<string, string> driverParams, CancellationToken cancellationToken)
    {
        await MakeAsync(key, cancellationToken);
        return await inner.CloneAsync(key, uuid, driverParams, cancellationToken);
    }

    public async ValueTask<VolumeChanges> SnapshotAsync(
        string key, Guid uuid, IReadOnlyDictionary<string, string> driverParams, IReadOnlyDictionary<string, string> keys, CancellationToken cancellationToken)
    {
        await MakeAsync(key, cancellationToken);
        return await inner.SnapshotAsync(key, uuid, driverParams, keys, cancellationToken);
    }

    public async ValueTask<VolumeChanges> CloneAsync(
        string key, Guid uuid, IReadOnlyDictionary<string, string> driverParams, IReadOnlyDictionary<string, string> keys, CancellationToken cancellationToken)
    {
        await MakeAsync(key, cancellationToken);
        return await inner.CloneAsync(key, uuid, driverParams, keys, cancellationToken);
    }

    public async ValueTask<VolumeChanges> RevertAsync(string snapshotKey, string key, CancellationToken cancellationToken)
    {
        await MakeAsync(snapshotKey, cancellationToken);
        await MakeAsync(key, cancellationToken);
        return await inner.RevertAsync(snapshotKey, key, cancellationToken);
    }

    public async ValueTask<VolumeChanges> DestroyVolumeAsync(string key, CancellationToken cancellationToken)
    {
        await MakeAsync(key, cancellationToken);
        return await inner.DestroyVolumeAsync(key, cancellationToken);
    }

    public async ValueTask<VolumeChanges> ResizeAsync(string key, long virtualSize, CancellationToken cancellationToken)
    {
        await MakeAsync(key, cancellationToken);
        return await inner.ResizeAsync(key, virtualSize, cancellationToken);
    }

    public async ValueTask SetNameAsync(string key, string name, string description, CancellationToken cancellationToken)
    {
        await MakeAsync(key, cancellationToken);
        await inner.SetNameAsync(key, name, description, cancellationToken);
    }

    public async ValueTask SetAsync(string key, IReadOnlyDictionary<string, string?> keys, CancellationToken cancellationToken)
    {
        await MakeAsync(key, cancellationToken);
        await inner.SetAsync(key, keys, cancellationToken);
    }

    public async ValueTask<IReadOnlyList<Extent>?> CompareAsync(string baseKey, string key, CancellationToken cancellationToken)
    {
        await MakeAsync(baseKey, cancellationToken);
        await MakeAsync(key, cancellationToken);
        return await inner.CompareAsync(baseKey, key, cancellationToken);
    }

    public async ValueTask<VolumeChanges> EnableCbtAsync(string key, CancellationToken cancellationToken)
    {
        await MakeAsync(key, cancellationToken);
        return await inner.EnableCbtAsync(key, cancellationToken);
    }

    public async ValueTask<VolumeChanges> DisableCbtAsync(string key, CancellationToken cancellationToken)
    {
        await MakeAsync(key, cancellationToken);
        return await inner.DisableCbtAsync(key, cancellationToken);
    }

    public async ValueTask<VolumeChanges> DataDestroyAsync(string key, CancellationToken cancellationToken)
    {
        await MakeAsync(key, cancellationToken);
        return await inner.DataDestroyAsync(key, cancellationToken);
    }

    public async ValueTask<ChangedBlocks> ListChangedBlocksAsync(string fromKey, string toKey, CancellationToken cancellationToken)
    {
        await MakeAsync(fromKey, cancellationToken);
        await MakeAsync(toKey, cancellationToken);
        return await inner.ListChangedBlocksAsync(fromKey, toKey, cancellationToken);
    }

    public async ValueTask<IBlockDevice> OpenAsync(string key, DatapathMode mode, CancellationToken cancellationToken)
    {
        await MakeAsync(key, cancellationToken);
        return await inner.OpenAsync(key, mode, cancellationToken);
    }

    public async ValueTask DisposeAsync()
    {
        await inner.DisposeAsync();
        _making.Dispose();
    }

    private async ValueTask MakeAsync(string key, CancellationToken cancellationToken)
    {
        if (!planned.ContainsKey(key))
            return;
        await _making.WaitAsync(cancellationToken);
        try
        {
            if (!planned.TryGetValue(key, out var line))
                return;
            var volume = parse(line);
            var size = _size.Value;
            await inner.CreateVolumeAsync(new(volume.Uuid, volume.Name, volume.Description, volume.Size, Sharable: false, None), cancellationToken);
            noteMade(key);
            planned.TryRemove(key, out _);
            Interlocked.Add(ref size.Value, -volume.Size);
        }
        finally
        {
            _making.Release();
        }
    }

    /// <summary>A file that is not there takes no room. The name of its data counts nowhere before somebody reads it, and then it is made.</summary>
    private static VolumeInfo Info(PlannedVolume volume) => new(
        volume.Uuid.ToString("D"),
        volume.Uuid,
        volume.Name,
        volume.Description,
        ReadWrite: true,
        Sharable: false,
        volume.Size,
        PhysicalUtilisation: 0,
        Managed: true,
        DataId: new Guid(Digest(volume.Uuid), bigEndian: true),
        None,
        None);

    private static byte[] Digest(Guid uuid) => SHA256.HashData(uuid.ToByteArray(bigEndian: true))[..16];
}
