using XapiCompat.Disks.Files;

namespace XapiCompat.Storage.VhdTree;

/// <summary>
/// Volumes as trees of VHD files in a directory. A snapshot turns the leaf's file into a hidden base and puts two empty
/// leaves on it; it writes headers only and takes the same time at every depth and number of volumes.
/// </summary>
/// <param name="roots">Directories (absolute) in which trees may live; nothing is made or opened outside of them.</param>
/// <param name="type">The SR type served: its driver's description and the way from device_config to a directory.</param>
/// <param name="claims">The directories of attached SRs, shared by all plugins that have some.</param>
public sealed class VhdTreePlugin(
    IReadOnlyList<string> roots, TreeType type, TimeProvider time, VhdTreeOptions? options = null, DirectoryClaims? claims = null) : IStoragePlugin, IStorageCheck, IStorageLab
{
    private readonly VhdTreeOptions _options = options ?? new VhdTreeOptions();
    private readonly DirectoryClaims _claims = claims ?? new DirectoryClaims();
    private readonly Confinement _confinement = new(roots);

    public PluginDescription Query() => type.Description;

    public ValueTask CreateAsync(SrConfiguration configuration, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        var path = Locate(configuration, StorageFault.SrCreateFailed, "no SR was made");
        try
        {
            if (_claims.IsTaken(path))
                throw new StorageException(StorageFault.SrCreateFailed, "no SR was made [opterr=the directory is in use]");
            if (Directory.Exists(path) && DirectPath.EntryNames(path).Count > 0)
                throw new StorageException(StorageFault.SrCreateFailed, "no SR was made [opterr=the directory is not empty]");
            DirectPath.MakeDirectory(path);
        }
        catch (Exception e) when (Faults.IsForeseen(e))
        {
            throw Faults.From(e, StorageFault.SrCreateFailed, "no SR was made");
        }

        return ValueTask.CompletedTask;
    }

    public async ValueTask<ISr> AttachAsync(SrConfiguration configuration, CancellationToken cancellationToken)
    {
        var path = Locate(configuration, StorageFault.SrUnavailable, "the SR cannot be used");
        if (!Directory.Exists(path))
            throw new StorageException(StorageFault.SrUnavailable, "the SR cannot be used [opterr=no such directory " + path + "]");
        var claim = _claims.Take(path);
        try
        {
            var sr = new VhdTreeSr(new TreeDirectory(path, _options, time), claim);
            await sr.AttachAsync(cancellationToken);
            return sr;
        }
        catch
        {
            claim.Dispose();
            throw;
        }
    }

    public async ValueTask<SrCheck> CheckAsync(SrConfiguration configuration, bool repair, CancellationToken cancellationToken)
    {
        var path = Locate(configuration, StorageFault.SrUnavailable, "the SR cannot be used");
        if (!Directory.Exists(path))
            throw new StorageException(StorageFault.SrUnavailable, "no such directory " + path);
        using var claim = repair ? _claims.Take(path) : null;
        try
        {
            return await new TreeChecker(new TreeDirectory(path, _options, time)).RunAsync(repair, cancellationToken);
        }
        catch (Exception e) when (Faults.IsForeseen(e))
        {
            throw Faults.From(e, StorageFault.ScanFailed, "the SR cannot be read");
        }
    }

    string IStorageLab.DirectoryOf(SrConfiguration configuration) => Locate(configuration, StorageFault.SrUnavailable, "the SR cannot be used");

    IReadOnlyList<LabNode> IStorageLab.Show(SrConfiguration configuration) => Lab(configuration).Show();

    string IStorageLab.PlantOrphanBase(SrConfiguration configuration, Guid id, long size) => Lab(configuration).PlantOrphanBase(id, size);

    Action IStorageLab.PlantBadFooter(SrConfiguration configuration, string key) => Lab(configuration).PlantBadFooter(key);

    private TreeLab Lab(SrConfiguration configuration) =>
        new(new TreeDirectory(Locate(configuration, StorageFault.SrUnavailable, "the SR cannot be used"), new VhdTreeOptions(), time));

    /// <summary>Removes the tree's files, and the directory unless foreign files are in it.</summary>
    public ValueTask DestroyAsync(SrConfiguration configuration, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        var path = Locate(configuration, StorageFault.SrUnavailable, "the SR cannot be used");
        try
        {
            if (Directory.Exists(path))
            {
                new TreeDirectory(path, _options, time).DeleteAll();
                if (DirectPath.EntryNames(path).Count == 0)
                    DirectPath.RemoveDirectory(path);
            }
        }
        catch (Exception e) when (Faults.IsForeseen(e))
        {
            throw Faults.From(e, StorageFault.General, "the SR was not removed");
        }

        return ValueTask.CompletedTask;
    }

    public ValueTask<IReadOnlyList<FoundSr>> ProbeAsync(IReadOnlyDictionary<string, string> deviceConfig, CancellationToken cancellationToken)
    {
        // Names the missing keys, too.
        var place = Confined(
            () => type.ShelfOf?.Invoke(deviceConfig) ?? type.DirectoryOf(new(Guid.Empty, deviceConfig)), StorageFault.SrUnavailable, "the SR cannot be used");
        if (type.ShelfOf is null || !Directory.Exists(place))
            return ValueTask.FromResult<IReadOnlyList<FoundSr>>([]);
        try
        {
            var size = new DriveInfo(place).TotalSize;
            return ValueTask.FromResult<IReadOnlyList<FoundSr>>([
                .. DirectPath.DirectoryNames(place)
                    .Select(name => TreeDirectory.TryParse(name, out var id) ? id : Guid.Empty)
                    .Where(id => id != Guid.Empty)
                    .Order()
                    .Select(id => new FoundSr(id, size)),
            ]);
        }
        catch (Exception e) when (Faults.IsForeseen(e))
        {
            throw Faults.From(e, StorageFault.SrUnavailable, "the SR cannot be used");
        }
    }

    private string Locate(SrConfiguration configuration, StorageFault fault, string text) => Confined(() => type.DirectoryOf(configuration), fault, text);

    private string Confined(Func<string> path, StorageFault fault, string text)
    {
        try
        {
            return _confinement.Confine(path());
        }
        catch (Exception e) when (Faults.IsForeseen(e) || e is ArgumentException)
        {
            throw Faults.From(e, fault, text);
        }
    }
}
