using System.Diagnostics.CodeAnalysis;
using XapiCompat.Disks.Raw;

namespace XapiCompat.Storage.VhdTree;

/// <summary>The plain files of a directory, beside its tree. The data's id stands in the sidecar.</summary>
internal sealed class RawVolumes(TreeDirectory directory)
{
    /// <summary>Where a file offset must fit in with room to spare.</summary>
    private const long MaxSize = 1L << 46;

    private static readonly Dictionary<string, string> SmConfig = new() { ["type"] = "raw" };

    private readonly Dictionary<Guid, RawVolume> _volumes = [];

    public IEnumerable<VolumeInfo> Infos => _volumes.Values.Select(Info);

    public long Allocation => _volumes.Values.Sum(v => v.Size);

    public long Utilisation => _volumes.Values.Sum(v => Length(v.Id));

    public bool Knows(Guid id) => _volumes.ContainsKey(id);

    public bool TryFind(string key, [NotNullWhen(true)] out RawVolume? volume)
    {
        volume = null;
        return TreeDirectory.TryParse(key, out var id) && _volumes.TryGetValue(id, out volume);
    }

    /// <summary>Looks which files are there; a name that the tree has as well stays the tree's.</summary>
    public void Load()
    {
        var present = directory.Ids(TreeDirectory.RawSuffix).Where(id => !directory.Exists(id)).ToHashSet();
        foreach (var gone in _volumes.Keys.Where(id => !present.Contains(id)).ToArray())
            _volumes.Remove(gone);
        foreach (var id in present.Where(id => !_volumes.ContainsKey(id)))
            _volumes.Add(id, new RawVolume(id, Length(id), directory.ReadMeta(id) ?? VolumeMeta.None));
    }

    /// <summary>Makes a sparse file of exactly the size asked for.</summary>
    public async ValueTask<RawVolume> CreateAsync(Guid id, long size, VolumeMeta meta)
    {
        if (size is < 0 or > MaxSize)
            throw Faults.Size("0 to " + MaxSize + " bytes");
        meta = meta with { DataId = Guid.NewGuid() };
        var temporary = directory.PathOf(id, TreeDirectory.RawTemporarySuffix);
        try
        {
            directory.WriteRaw(temporary, size);
            await directory.WriteMetaAsync(id, meta);
            directory.Flush();
            directory.Move(temporary, directory.PathOf(id, TreeDirectory.RawSuffix));
            directory.Flush();
        }
        catch (Exception e) when (Faults.IsForeseen(e))
        {
            directory.TryDelete(id, TreeDirectory.RawTemporarySuffix);
            directory.TryDelete(id, TreeDirectory.RawSuffix);
            directory.TryDelete(id, TreeDirectory.MetaSuffix);
            throw;
        }

        var volume = new RawVolume(id, size, meta);
        _volumes.Add(id, volume);
        directory.Done();
        return volume;
    }

    public void Remove(RawVolume volume)
    {
        directory.Delete(directory.PathOf(volume.Id, TreeDirectory.RawSuffix));
        _volumes.Remove(volume.Id);
        directory.TryDelete(volume.Id, TreeDirectory.MetaSuffix);
        directory.Flush();
        directory.Done();
    }

    public async ValueTask ChangeMetaAsync(RawVolume volume, Func<VolumeMeta, VolumeMeta> change)
    {
        // A writer may be giving the data another name, in the same sidecar.
        await volume.Renaming.WaitAsync();
        try
        {
            var meta = change(volume.Meta);
            await directory.WriteMetaAsync(volume.Id, meta);
            volume.Meta = meta;
            directory.Flush();
        }
        finally
        {
            volume.Renaming.Release();
        }

        directory.Done();
    }

    public RawVolumeDevice Open(RawVolume volume, DatapathMode mode)
    {
        var path = directory.PathOf(volume.Id, TreeDirectory.RawSuffix);
        return new(volume, new RawFile(path, mode == DatapathMode.ReadWrite, directory.Files), mode, directory);
    }

    public VolumeInfo Info(RawVolume volume)
    {
        volume.Observed = true;
        return new(
            volume.Key,
            volume.Id,
            volume.Meta.Name,
            volume.Meta.Description,
            ReadWrite: true,
            volume.Meta.Sharable,
            volume.Size,
            PhysicalUtilisation: volume.Size,
            Managed: true,
            volume.Meta.DataId ?? volume.Id,
            SmConfig,
            volume.Meta.Keys);
    }

    private long Length(Guid id) => directory.Length(id, TreeDirectory.RawSuffix);
}
