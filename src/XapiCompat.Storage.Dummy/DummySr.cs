using XapiCompat.Disks;

namespace XapiCompat.Storage.Dummy;

/// <summary>An attached SR of disks without data.</summary>
internal sealed class DummySr(DummyList volumes) : ISr
{
    private const long PhysicalSize = 2_000_000_000_000;
    private const long MaxSize = 1L << 46;
    private const int Sector = 512;
    private static readonly Dictionary<string, string> NoKeys = [];
    private readonly Lock _lock = new();

    public ValueTask<SrStat> StatAsync(CancellationToken cancellationToken) => Run(() =>
    {
        var size = volumes.All.Sum(v => v.Size);
        return new SrStat(PhysicalSize, size, size);
    });

    public ValueTask<IReadOnlyList<VolumeInfo>> ListAsync(CancellationToken cancellationToken) =>
        Run(() => (IReadOnlyList<VolumeInfo>)[.. volumes.All.Select(v => v.Info)]);

    public ValueTask<VolumeInfo> StatVolumeAsync(string key, CancellationToken cancellationToken) => Run(() => Find(key).Info);

    public ValueTask<VolumeChanges> CreateVolumeAsync(VolumeSpec spec, CancellationToken cancellationToken) => Run(() =>
        Put(new(spec.Uuid, spec.Name, spec.Description, true, spec.Sharable, Round(spec.VirtualSize), Guid.NewGuid(), NoKeys)));

    /// <summary>Read only, as this type of SR has it.</summary>
    public ValueTask<VolumeChanges> SnapshotAsync(string key, Guid uuid, IReadOnlyDictionary<string, string> driverParams, CancellationToken cancellationToken) =>
        Run(() => Put(Find(key) with { Uuid = uuid, ReadWrite = false, DataId = Guid.NewGuid(), Keys = NoKeys }));

    public ValueTask<VolumeChanges> CloneAsync(string key, Guid uuid, IReadOnlyDictionary<string, string> driverParams, CancellationToken cancellationToken) =>
        Run(() => Put(Find(key) with { Uuid = uuid, ReadWrite = true, DataId = Guid.NewGuid(), Keys = NoKeys }));

    public ValueTask<VolumeChanges> DestroyVolumeAsync(string key, CancellationToken cancellationToken) =>
        Run(() => new VolumeChanges(null, [], volumes.Remove(key) ? [key] : []));

    public ValueTask<VolumeChanges> ResizeAsync(string key, long virtualSize, CancellationToken cancellationToken) => Run(() =>
    {
        var volume = Find(key);
        var size = Round(virtualSize);
        if (size < volume.Size)
            throw new StorageException(StorageFault.VolumeSize, "no size for a VDI [opterr=a VDI cannot shrink]");
        return Put(size == volume.Size ? volume : volume with { Size = size, DataId = Guid.NewGuid() });
    });

    public async ValueTask SetNameAsync(string key, string name, string description, CancellationToken cancellationToken) =>
        await Run(() => Put(Find(key) with { Name = name, Description = description }));

    public async ValueTask SetAsync(string key, IReadOnlyDictionary<string, string?> keys, CancellationToken cancellationToken) => await Run(() =>
    {
        var volume = Find(key);
        var merged = volume.Keys.Where(p => !keys.ContainsKey(p.Key)).Concat(keys.Where(p => p.Value is not null).Select(p => KeyValuePair.Create(p.Key, p.Value!)));
        return Put(volume with { Keys = merged.ToDictionary(StringComparer.Ordinal) });
    });

    public ValueTask<IBlockDevice> OpenAsync(string key, DatapathMode mode, CancellationToken cancellationToken) =>
        Run<IBlockDevice>(() => new NothingDevice(Find(key).Size, mode == DatapathMode.ReadWrite));

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    private static long Round(long size) => size is < 0 or > MaxSize
        ? throw new StorageException(StorageFault.VolumeSize, "no size for a VDI")
        : Math.Max(Sector, (size + Sector - 1) / Sector * Sector);

    private DummyVolume Find(string key) => volumes.Find(key) ?? throw StorageException.Missing(key);

    private VolumeChanges Put(DummyVolume volume)
    {
        volumes.Put(volume);
        return new(volume.Info, [volume.Info], []);
    }

    private ValueTask<T> Run<T>(Func<T> action)
    {
        lock (_lock)
            return ValueTask.FromResult(action());
    }
}
