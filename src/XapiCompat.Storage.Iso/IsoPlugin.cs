using XapiCompat.Disks.Files;

namespace XapiCompat.Storage.Iso;

/// <summary>
/// CD images as files of a directory: what an administrator puts there is found by a scan and read only; what clients create there
/// they may also fill.
/// </summary>
/// <param name="roots">Directories (absolute) in which images may be; no file outside of them is read.</param>
/// <param name="places">Where the directories of NFS and SMB servers are.</param>
public sealed class IsoPlugin(IReadOnlyList<string> roots, RemotePlaces places) : IStoragePlugin
{
    private readonly Confinement _confinement = new(roots);

    public PluginDescription Query() => new(
        "ISO",
        "CD images kept as files",
        "1.0",
        ["iso"],
        new[] { "VDI_CREATE", "VDI_DELETE", "VDI_ATTACH", "VDI_DETACH", "SR_SCAN", "SR_ATTACH", "SR_DETACH" }.ToDictionary(f => f, _ => 1),
        new Dictionary<string, string>
        {
            ["location"] = "directory, server:/path or //server/share (required)",
            ["iso_path"] = "directory below the location",
            ["legacy_mode"] = "true for a local directory",
        });

    /// <summary>A local directory must be there; one of a server comes into being.</summary>
    public ValueTask CreateAsync(SrConfiguration configuration, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        var (path, local) = Locate(configuration.DeviceConfig);
        if (!local)
            DirectPath.MakeDirectory(path);
        RequireDirectory(path);
        return ValueTask.CompletedTask;
    }

    public ValueTask<ISr> AttachAsync(SrConfiguration configuration, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        var path = Locate(configuration.DeviceConfig).Path;
        RequireDirectory(path);
        return ValueTask.FromResult<ISr>(new IsoSr(path, _confinement));
    }

    /// <summary>The images are the administrator's and stay.</summary>
    public ValueTask DestroyAsync(SrConfiguration configuration, CancellationToken cancellationToken) => ValueTask.CompletedTask;

    private static void RequireDirectory(string path)
    {
        if (!Directory.Exists(path))
            throw new StorageException(StorageFault.IsoLocalPath, "no place for images [opterr=" + path + "]");
    }

    private (string Path, bool Local) Locate(IReadOnlyDictionary<string, string> config)
    {
        var location = DeviceConfig.Required(config, "location", StorageFault.LocationMissing);
        var (directory, local) = Directories(location);
        if (config.GetValueOrDefault("iso_path") is { Length: > 0 } below)
            directory = Path.Join(directory, below);
        try
        {
            return (_confinement.Confine(directory), local);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException)
        {
            throw new StorageException(StorageFault.IsoLocalPath, "no place for images [opterr=" + e.Message + "]", e);
        }
    }

    private (string Directory, bool Local) Directories(string location)
    {
        if (location.StartsWith("//", StringComparison.Ordinal) || location.StartsWith('\\'))
            return (places.SmbShare(location), false);
        if (!location.StartsWith('/') && location.IndexOf(":/", StringComparison.Ordinal) is > 0 and var colon)
            return (places.NfsExport(location[..colon], location[(colon + 1)..]), false);
        return (location, true);
    }
}
