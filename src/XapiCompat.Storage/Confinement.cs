namespace XapiCompat.Storage;

/// <summary>Keeps paths that clients have a say in below configured roots, symbolic links followed.</summary>
public sealed class Confinement(IEnumerable<string> roots)
{
    private const int MaxLinks = 40;
    private readonly string[] _roots = [.. roots.Select(root => Resolve(Path.GetFullPath(root)))];

    /// <summary>The real path; <see cref="UnauthorizedAccessException"/> when it is none below a root.</summary>
    public string Confine(string path)
    {
        if (!Path.IsPathFullyQualified(path))
            throw new UnauthorizedAccessException("The path is not absolute.");
        var real = Resolve(Path.GetFullPath(path));
        return _roots.Any(root => IsBelow(real, root))
            ? real
            : throw new UnauthorizedAccessException("The path is outside the directories for storage repositories.");
    }

    private static bool IsBelow(string path, string root) =>
        path.Length > root.Length && path.StartsWith(root, StringComparison.Ordinal)
        && (Path.EndsInDirectorySeparator(root) || path[root.Length] == Path.DirectorySeparatorChar);

    // Component by component; what does not exist yet cannot be a link.
    private static string Resolve(string path)
    {
        for (var links = 0; links < MaxLinks; links++)
        {
            if (FirstLink(path) is not var (link, remainder))
                return Path.TrimEndingDirectorySeparator(path);
            var target = new FileInfo(link).LinkTarget!;
            path = Path.GetFullPath(Path.Join(Path.GetFullPath(target, Path.GetDirectoryName(link)!), remainder));
        }

        throw new UnauthorizedAccessException("The path has too many symbolic links.");
    }

    private static (string Link, string Remainder)? FirstLink(string path)
    {
        var start = Path.GetPathRoot(path)!.Length;
        while (start < path.Length)
        {
            var end = path.IndexOf(Path.DirectorySeparatorChar, start);
            if (end < 0)
                end = path.Length;
            var part = path[..end];
            if (new FileInfo(part).LinkTarget is not null)
                return (part, path[end..]);
            start = end + 1;
        }

        return null;
    }
}
