namespace XapiCompat.Storage.VhdTree;

/// <summary>
/// Volumes as trees of VHD files in a directory. A snapshot turns the leaf's file into a hidden base and puts two empty
/// leaves on it; it writes headers only and takes the same time at every depth and number of volumes.
/// </summary>
/// <param name="roots">Directories (absolute) in which trees may live; nothing is made or opened outside of them.</param>
/// <param name="directoryOf">
/// The directory of an SR from its device_config. Throws <see cref="StorageException"/> when a key is missing.
/// </param>
public sealed class VhdTreePlugin(
    IReadOnlyList<string> roots, Func<SrConfiguration, string> directoryOf, TimeProvider time, VhdTreeOptions? options = null) : IStoragePlugin
{
    private readonly VhdTreeOptions _options = options ?? new VhdTreeOptions();
    private readonly Confinement _confinement = new(roots);

    public PluginDescription Query() => new(
        "VHD tree",
        "Volumes as trees of VHD files in a directory",
        "1.0",
        ["ext", "nfs", "file"],
        new Dictionary<string, int>
        {
            ["SR_CREATE"] = 1,
            ["SR_DELETE"] = 1,
            ["SR_ATTACH"] = 1,
            ["SR_DETACH"] = 1,
            ["SR_SCAN"] = 1,
            ["SR_UPDATE"] = 1,
            ["VDI_CREATE"] = 1,
            ["VDI_DELETE"] = 1,
            ["VDI_ATTACH"] = 1,
            ["VDI_DETACH"] = 1,
            ["VDI_ACTIVATE"] = 1,
            ["VDI_DEACTIVATE"] = 1,
            ["VDI_UPDATE"] = 1,
            ["VDI_CLONE"] = 1,
            ["VDI_SNAPSHOT"] = 1,
            ["VDI_RESIZE"] = 1,
            ["THIN_PROVISIONING"] = 1,
        },
        new Dictionary<string, string>
        {
            ["device"] = "local device path (SRs of type ext)",
            ["location"] = "local directory path (SRs of type file)",
            ["server"] = "hostname or IP address of the NFS server (SRs of type nfs)",
            ["serverpath"] = "path on the NFS server (SRs of type nfs)",
        })
    {
        SmConfigKeys = ["vhd-parent"],
    };

    public ValueTask CreateAsync(SrConfiguration configuration, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        var path = Locate(configuration, StorageFault.SrCreateFailed, "SR creation failed");
        try
        {
            if (Directory.Exists(path) && Directory.EnumerateFileSystemEntries(path).Any())
                throw new StorageException(StorageFault.SrCreateFailed, "SR creation failed [opterr=the directory is not empty]");
            Directory.CreateDirectory(path);
        }
        catch (Exception e) when (Faults.IsForeseen(e))
        {
            throw Faults.From(e, StorageFault.SrCreateFailed, "SR creation failed");
        }

        return ValueTask.CompletedTask;
    }

    public async ValueTask<ISr> AttachAsync(SrConfiguration configuration, CancellationToken cancellationToken)
    {
        var path = Locate(configuration, StorageFault.SrUnavailable, "The SR is not available");
        if (!Directory.Exists(path))
            throw new StorageException(StorageFault.SrUnavailable, "The SR is not available [opterr=no such directory " + path + "]");
        var sr = new VhdTreeSr(new TreeDirectory(path, _options, time));
        await sr.AttachAsync(cancellationToken);
        return sr;
    }

    /// <summary>Removes the tree's files, and the directory unless foreign files are in it.</summary>
    public ValueTask DestroyAsync(SrConfiguration configuration, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        var path = Locate(configuration, StorageFault.SrUnavailable, "The SR is not available");
        try
        {
            if (Directory.Exists(path))
            {
                new TreeDirectory(path, _options, time).DeleteAll();
                if (!Directory.EnumerateFileSystemEntries(path).Any())
                    Directory.Delete(path);
            }
        }
        catch (Exception e) when (Faults.IsForeseen(e))
        {
            throw Faults.From(e, StorageFault.General, "General backend error");
        }

        return ValueTask.CompletedTask;
    }

    private string Locate(SrConfiguration configuration, StorageFault fault, string text)
    {
        try
        {
            return _confinement.Confine(directoryOf(configuration));
        }
        catch (Exception e) when (Faults.IsForeseen(e) || e is ArgumentException)
        {
            throw Faults.From(e, fault, text);
        }
    }
}
