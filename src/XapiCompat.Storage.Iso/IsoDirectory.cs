using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography;
using System.Text;
using System.Text.RegularExpressions;
using XapiCompat.Disks.Files;

namespace XapiCompat.Storage.Iso;

/// <summary>The images of one directory: files named <c>*.iso</c> or <c>*.img</c> that lie, links followed, below a root. Where a link leads is found out once; on the way there, no further one is followed.</summary>
internal sealed partial class IsoDirectory(string path, Confinement confinement)
{
    /// <summary>ELOOP. Any other failure is no answer: an image that cannot be looked at now must not be taken for gone.</summary>
    private const int LinkInTheWay = 40;

    private static readonly Dictionary<string, string> Nothing = [];

    public string Path { get; } = path;

    public IEnumerable<string> Names() =>
        DirectPath.FileNames(Path).Where(n => TryFind(n, out _)).Order(StringComparer.Ordinal);

    /// <summary>The real path of an image; false for anything that is none.</summary>
    public bool TryFind(string name, [NotNullWhen(true)] out string? file)
    {
        file = null;
        if (!Image().IsMatch(name) || name.Contains('\uFFFD') || name.Any(char.IsControl))
            return false;
        try
        {
            file = confinement.Confine(System.IO.Path.Combine(Path, name));
            return DirectPath.Find(file) is { IsPlain: true };
        }
        catch (Exception e) when (e is UnauthorizedAccessException or ArgumentException or FileNotFoundException or DirectoryNotFoundException or PathTooLongException || e.HResult == LinkInTheWay)
        {
            return false;
        }
    }

    public string Find(string name) => TryFind(name, out var file) ? file : throw StorageException.Missing(name);

    public VolumeInfo Info(string name)
    {
        var path = Find(name);
        if (DirectPath.Find(path) is not { IsPlain: true } file)
            throw StorageException.Missing(name);
        var note = IsoNote.TryRead(Path, name);
        var uuid = note?.Uuid ?? (Guid.TryParseExact(System.IO.Path.GetFileNameWithoutExtension(name), "D", out var named) ? (Guid?)named : null);
        return new(
            name, uuid, note?.Name ?? name, note?.Description ?? "", ReadWrite: note is not null, note?.Sharable ?? false, file.Length, file.Length,
            Managed: true, DataId(path, file), Nothing, note?.Keys ?? Nothing);
    }

    public void Delete(string name)
    {
        // The file first: a note without an image is nobody's.
        DirectPath.Delete(System.IO.Path.Combine(Path, name));
        DirectPath.Delete(IsoNote.PathOf(Path, name));
    }

    /// <summary>Nobody tells of a write to the file, but its time does.</summary>
    private static Guid DataId(string path, FileFacts file)
    {
        var state = path + "\n" + file.Length + "\n" + file.Modified.Ticks;
        return new(SHA256.HashData(Encoding.UTF8.GetBytes(state)).AsSpan(0, 16));
    }

    [GeneratedRegex(@"\A[^/\0]+\.(iso|img)\z", RegexOptions.IgnoreCase)]
    private static partial Regex Image();
}
