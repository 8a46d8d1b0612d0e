using XapiCompat.Disks;

namespace XapiCompat.Storage.Tests.RawFiles;

internal sealed class RawFilesSr(string directory) : ISr
{
    private const long MaxSize = 1L << 46;
    private readonly Dictionary<string, RawVolume> _volumes = [];
    private readonly Lock _lock = new();
    private int _next;

    public ValueTask LoadAsync(CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        foreach (var path in Directory.EnumerateFiles(directory, "lun-*.json"))
        {
            var key = Path.GetFileNameWithoutExtension(path);
            _volumes.Add(key, RawVolume.Load(directory, key));
            _next = Math.Max(_next, int.Parse(key.AsSpan(4)));
        }

        foreach (var path in Directory.EnumerateFiles(directory))
        {
            if (!_volumes.ContainsKey(Path.GetFileNameWithoutExtension(path)))
                File.Delete(path);
        }

        return ValueTask.CompletedTask;
    }

    public ValueTask<SrStat> StatAsync(CancellationToken cancellationToken)
    {
        lock (_lock)
        {
            var total = _volumes.Values.Sum(v => v.Info().VirtualSize);
            return ValueTask.FromResult(new SrStat(new DriveInfo(directory).TotalSize, total, total));
        }
    }

    public ValueTask<IReadOnlyList<VolumeInfo>> ListAsync(CancellationToken cancellationToken)
    {
        lock (_lock)
            return ValueTask.FromResult<IReadOnlyList<VolumeInfo>>([.. _volumes.Values.Select(v => v.Info())]);
    }

    public ValueTask<VolumeInfo> StatVolumeAsync(string key, CancellationToken cancellationToken) =>
        ValueTask.FromResult(Find(key).Info());

    public ValueTask<VolumeChanges> CreateVolumeAsync(VolumeSpec spec, CancellationToken cancellationToken)
    {
        if (spec.VirtualSize is < 0 or > MaxSize)
            throw new StorageException(StorageFault.VolumeSize, "no size for a VDI");
        var volume = new RawVolume(directory, NextKey(), spec.Uuid)
        {
            Name = spec.Name,
            Description = spec.Description,
            Sharable = spec.Sharable,
        };
        using (var file = new FileStream(volume.DataPath, FileMode.CreateNew))
            file.SetLength(Math.Max(512, (spec.VirtualSize + 511) / 512 * 512));
        return ValueTask.FromResult(Added(volume));
    }

    public ValueTask<VolumeChanges> SnapshotAsync(
        string key, Guid uuid, IReadOnlyDictionary<string, string> driverParams, CancellationToken cancellationToken)
    {
        var source = Find(key);
        var copy = new RawVolume(directory, NextKey(), uuid) { Name = source.Name, Description = source.Description, Sharable = source.Sharable };
        File.Copy(source.DataPath, copy.DataPath);
        return ValueTask.FromResult(Added(copy));
    }

    public ValueTask<VolumeChanges> CloneAsync(
        string key, Guid uuid, IReadOnlyDictionary<string, string> driverParams, CancellationToken cancellationToken) =>
        SnapshotAsync(key, uuid, driverParams, cancellationToken);

    public ValueTask<VolumeChanges> DestroyVolumeAsync(string key, CancellationToken cancellationToken)
    {
        lock (_lock)
        {
            if (!_volumes.Remove(key, out var volume))
                return ValueTask.FromResult(new VolumeChanges(null, [], []));
            volume.Delete();
            return ValueTask.FromResult(new VolumeChanges(null, [], [key]));
        }
    }

    public ValueTask<VolumeChanges> ResizeAsync(string key, long virtualSize, CancellationToken cancellationToken)
    {
        var volume = Find(key);
        var now = volume.Info().VirtualSize;
        if (virtualSize < now || virtualSize > MaxSize)
            throw new StorageException(StorageFault.VolumeSize, "no size for a VDI");
        if (virtualSize > now)
        {
            volume.DataId = Guid.NewGuid();
            volume.Save();
            using var file = new FileStream(volume.DataPath, FileMode.Open);
            file.SetLength((virtualSize + 511) / 512 * 512);
        }

        var info = volume.Info();
        return ValueTask.FromResult(new VolumeChanges(info, [info], []));
    }

    public ValueTask SetNameAsync(string key, string name, string description, CancellationToken cancellationToken)
    {
        var volume = Find(key);
        volume.Name = name;
        volume.Description = description;
        volume.Save();
        return ValueTask.CompletedTask;
    }

    public ValueTask SetAsync(string key, IReadOnlyDictionary<string, string?> keys, CancellationToken cancellationToken)
    {
        var volume = Find(key);
        foreach (var (name, value) in keys)
        {
            if (value is null)
                volume.Keys.Remove(name);
            else
                volume.Keys[name] = value;
        }

        volume.Save();
        return ValueTask.CompletedTask;
    }

    public ValueTask<IBlockDevice> OpenAsync(string key, DatapathMode mode, CancellationToken cancellationToken) =>
        ValueTask.FromResult<IBlockDevice>(new RawFileDevice(Find(key), mode));

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    private RawVolume Find(string key)
    {
        lock (_lock)
            return _volumes.TryGetValue(key, out var volume) ? volume : throw StorageException.Missing(key);
    }

    private string NextKey() => $"lun-{Interlocked.Increment(ref _next):0000}";

    private VolumeChanges Added(RawVolume volume)
    {
        volume.Save();
        lock (_lock)
            _volumes.Add(volume.Key, volume);
        var info = volume.Info();
        return new VolumeChanges(info, [info], []);
    }
}
