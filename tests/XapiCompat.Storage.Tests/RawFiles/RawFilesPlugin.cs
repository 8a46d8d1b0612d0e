namespace XapiCompat.Storage.Tests.RawFiles;

/// <summary>
/// A disk array in small: one raw sparse file per volume, whole copies on snapshot and clone, keys that are not uuids,
/// no hidden nodes, nothing in sm_config and no comparison. What the host does with it must not depend on VHD.
/// </summary>
public sealed class RawFilesPlugin(string root) : IStoragePlugin
{
    public PluginDescription Query() => new(
        "rawfiles",
        "Raw files, one per volume",
        "1.0",
        ["rawfiles"],
        new Dictionary<string, int>
        {
            ["SR_SCAN"] = 1,
            ["VDI_CREATE"] = 1,
            ["VDI_DELETE"] = 1,
            ["VDI_SNAPSHOT"] = 1,
            ["VDI_CLONE"] = 1,
            ["VDI_RESIZE"] = 1,
            ["VDI_ATTACH"] = 1,
            ["VDI_DETACH"] = 1,
        },
        new Dictionary<string, string> { ["location"] = "name of the folder" });

    public ValueTask CreateAsync(SrConfiguration configuration, CancellationToken cancellationToken)
    {
        Directory.CreateDirectory(DirectoryOf(configuration));
        return ValueTask.CompletedTask;
    }

    public async ValueTask<ISr> AttachAsync(SrConfiguration configuration, CancellationToken cancellationToken)
    {
        var directory = DirectoryOf(configuration);
        if (!Directory.Exists(directory))
            throw new StorageException(StorageFault.SrUnavailable, "the SR cannot be used [opterr=no such directory]");
        var sr = new RawFilesSr(directory);
        await sr.LoadAsync(cancellationToken);
        return sr;
    }

    public ValueTask DestroyAsync(SrConfiguration configuration, CancellationToken cancellationToken)
    {
        Directory.Delete(DirectoryOf(configuration), recursive: true);
        return ValueTask.CompletedTask;
    }

    private string DirectoryOf(SrConfiguration configuration) => Path.Combine(root, configuration.Uuid.ToString());
}
