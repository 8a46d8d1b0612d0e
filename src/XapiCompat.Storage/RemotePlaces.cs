using System.Text.RegularExpressions;
using XapiCompat.Disks.Files;

namespace XapiCompat.Storage;

/// <summary>
/// Servers, shares and targets of clients as directories: there is no network behind them. What a client names becomes the name
/// of one directory each and never leads elsewhere.
/// </summary>
/// <param name="place">Directory (absolute) that holds them all.</param>
public sealed partial class RemotePlaces(string place)
{
    private const string BadPath = "no path on a server";

    /// <summary>The directory of an NFS server; its subdirectories are what it exports.</summary>
    public string NfsServer(string server) => Path.Combine(place, "nfs", Name(server, StorageFault.NfsMount, "no name of a server"));

    /// <summary>Names of what an NFS server exports; none where its directory is not to be had, or is a link that leads elsewhere.</summary>
    public IReadOnlyList<string> NfsExports(string server)
    {
        try
        {
            var shelf = new Confinement([place]).Confine(NfsServer(server));
            return [.. DirectPath.DirectoryNames(shelf).Order(StringComparer.Ordinal)];
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return [];
        }
    }

    public string NfsExport(string server, string path)
    {
        var parts = path.Split('/', StringSplitOptions.RemoveEmptyEntries);
        if (!path.StartsWith('/') || parts.Length == 0 || parts.Any(p => p is "." or ".." || p.Contains('\0')))
            throw new StorageException(StorageFault.ServerPathBad, BadPath);
        return Path.Combine([NfsServer(server), .. parts]);
    }

    /// <summary><c>//server/share</c>, with slashes of either kind and any directories behind.</summary>
    public string SmbShare(string share)
    {
        var parts = share.Replace('\\', '/').Split('/', StringSplitOptions.RemoveEmptyEntries);
        if (parts.Length < 2)
            throw new StorageException(StorageFault.ServerPathBad, BadPath);
        return Path.Combine([place, "smb", .. parts.Select(p => Name(p, StorageFault.ServerPathBad, BadPath))]);
    }

    public string IscsiLun(string target, string iqn, string lun) => Path.Combine(
        place,
        "iscsi",
        Name(target, StorageFault.TargetMissing, "no name of a target"),
        Name(iqn, StorageFault.TargetIqnMissing, "no IQN"),
        Name(lun, StorageFault.ScsiIdMissing, "no SCSI id"));

    private static string Name(string text, StorageFault fault, string error) =>
        Plain().IsMatch(text) ? text : throw new StorageException(fault, error + " [opterr=" + text + "]");

    [GeneratedRegex(@"^(?!\.{1,2}\z)[A-Za-z0-9._:@=\[\]$ -]{1,255}\z")]
    private static partial Regex Plain();
}
