using System.Text.RegularExpressions;
using XapiCompat.Disks;
using XapiCompat.Disks.Files;
using XapiCompat.Disks.Raw;

namespace XapiCompat.Storage.Iso;

/// <summary>An attached directory of images. It has no memory: each call looks at the files.</summary>
internal sealed partial class IsoSr(string path, Confinement confinement) : ISr
{
    private const long MaxSize = 1L << 43;
    private const int Sector = 512;
    private readonly IsoDirectory _directory = new(path, confinement);
    private readonly PlainFiles _files = new(FileLayer.Plain);
    private readonly Lock _lock = new();

    public ValueTask<SrStat> StatAsync(CancellationToken cancellationToken) => Run(StorageFault.SrUnavailable, "the SR cannot be used", () =>
    {
        var used = _directory.Names().Sum(n => _directory.Info(n).VirtualSize);
        return new SrStat(new DriveInfo(_directory.Path).TotalSize, used, used);
    });

    public ValueTask<IReadOnlyList<VolumeInfo>> ListAsync(CancellationToken cancellationToken) => Run(
        StorageFault.ScanFailed, "the SR cannot be read", () => (IReadOnlyList<VolumeInfo>)[.. _directory.Names().Select(_directory.Info)]);

    public ValueTask<VolumeInfo> StatVolumeAsync(string key, CancellationToken cancellationToken) => Run(
        StorageFault.VolumeLoad, "the VDI cannot be read", () => _directory.Info(key));

    /// <summary>An empty image: <c>path</c> in sm_config names the file, else the uuid does.</summary>
    public ValueTask<VolumeChanges> CreateVolumeAsync(VolumeSpec spec, CancellationToken cancellationToken) => Run(StorageFault.VolumeCreate, "no VDI was made", () =>
    {
        if (spec.VirtualSize is < 0 or > MaxSize)
            throw new StorageException(StorageFault.VolumeSize, "no size for a VDI");
        var name = spec.SmConfig.GetValueOrDefault("path") ?? spec.Uuid.ToString("D") + ".img";
        if (!NewName().IsMatch(name))
            throw new StorageException(StorageFault.VolumeCreate, "no VDI was made [opterr=not the name of an image: " + name + "]");
        var file = Path.Combine(_directory.Path, name);
        if (DirectPath.Find(file) is not null)
            throw new StorageException(StorageFault.VolumeExists, "there is an image of that name");

        // The note first: an image without one would be taken for somebody else's.
        new IsoNote(spec.Uuid, spec.Name, spec.Description, spec.Sharable, new Dictionary<string, string>()).Write(_directory.Path, name);
        try
        {
            using var image = DirectPath.Open(file, FileMode.CreateNew, FileAccess.ReadWrite);
            RandomAccess.SetLength(image, Math.Max(Sector, (spec.VirtualSize + Sector - 1) / Sector * Sector));
        }
        catch (Exception e) when (IsForeseen(e))
        {
            _directory.Delete(name);
            throw;
        }

        var info = _directory.Info(name);
        return new VolumeChanges(info, [info], []);
    });

    public ValueTask<VolumeChanges> DestroyVolumeAsync(string key, CancellationToken cancellationToken) => Run(StorageFault.VolumeDelete, "the VDI was not removed", () =>
    {
        // A create that was cut off is taken back by the uuid that it proposed.
        var name = Guid.TryParseExact(key, "D", out var uuid) ? _directory.Names().FirstOrDefault(n => IsoNote.TryRead(_directory.Path, n)?.Uuid == uuid) : key;
        if (name is null || !_directory.TryFind(name, out _))
            return new VolumeChanges(null, [], []);
        _directory.Delete(name);
        return new VolumeChanges(null, [], [name]);
    });

    /// <summary>Images that were found are called as their files are.</summary>
    public ValueTask SetNameAsync(string key, string name, string description, CancellationToken cancellationToken) =>
        Note(key, note => note with { Name = name, Description = description });

    public ValueTask SetAsync(string key, IReadOnlyDictionary<string, string?> keys, CancellationToken cancellationToken) => Note(key, note =>
    {
        var merged = note.Keys.Where(p => !keys.ContainsKey(p.Key)).Concat(keys.Where(p => p.Value is not null).Select(p => KeyValuePair.Create(p.Key, p.Value!)));
        return note with { Keys = merged.ToDictionary(StringComparer.Ordinal) };
    });

    public ValueTask<IBlockDevice> OpenAsync(string key, DatapathMode mode, CancellationToken cancellationToken) => Run<IBlockDevice>(
        StorageFault.VolumeUnavailable,
        "The VDI is not available",
        () =>
        {
            var file = _directory.Find(key);
            if (mode == DatapathMode.ReadWrite && IsoNote.TryRead(_directory.Path, key) is null)
                throw new StorageException(StorageFault.VolumeUnavailable, "The VDI is not available [opterr=the image is read only]");
            return new RawFile(file, mode == DatapathMode.ReadWrite, _files);
        });

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    private async ValueTask Note(string key, Func<IsoNote, IsoNote> change) => await Run(StorageFault.General, "the VDI was not changed", () =>
    {
        _directory.Find(key);
        if (IsoNote.TryRead(_directory.Path, key) is { } note)
            change(note).Write(_directory.Path, key);
        return true;
    });

    private ValueTask<T> Run<T>(StorageFault fault, string text, Func<T> action)
    {
        try
        {
            lock (_lock)
                return ValueTask.FromResult(action());
        }
        catch (Exception e) when (IsForeseen(e))
        {
            throw (e.HResult & 0xFFFF) is 28 or 122
                ? new StorageException(StorageFault.NoSpace, "There is insufficient space", e)
                : new StorageException(fault, text + " [opterr=" + e.Message + "]", e);
        }
    }

    private static bool IsForeseen(Exception e) => e is IOException or UnauthorizedAccessException;

    [GeneratedRegex(@"\A[a-z0-9-][a-z0-9._-]{0,200}\.(iso|img)\z", RegexOptions.IgnoreCase)]
    private static partial Regex NewName();
}
