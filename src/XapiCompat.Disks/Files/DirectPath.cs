using Microsoft.Win32.SafeHandles;

namespace XapiCompat.Disks.Files;

/// <summary>
/// The file system for paths (absolute) that are known to lead through no symbolic link. Whoever puts one in the way, at whatever place of the path and
/// at whatever moment, makes the call fail with an <see cref="IOException"/>: each call finds its file or directory without following
/// any, and goes on with what it found. On systems other than Linux these are the calls of the class library.
/// </summary>
public static class DirectPath
{
    private const int Tries = 8;

    /// <summary>Opens or makes a plain file. Anything else of that name (a pipe, a device, a link) is not even opened.</summary>
    /// <param name="mode"><see cref="FileMode.Open"/>, <see cref="FileMode.Create"/> or <see cref="FileMode.CreateNew"/>.</param>
    public static SafeFileHandle Open(string path, FileMode mode, FileAccess access)
    {
        if (!OperatingSystem.IsLinux())
            return File.OpenHandle(path, mode, access, FileShare.ReadWrite | FileShare.Delete);
        var flags = access switch
        {
            FileAccess.Read => LinuxFiles.ReadOnly,
            FileAccess.ReadWrite => LinuxFiles.ReadWrite,
            _ => throw new ArgumentOutOfRangeException(nameof(access)),
        };
        for (var left = Tries; ; left--)
        {
            if (mode != FileMode.Open)
            {
                var made = LinuxFiles.Open(path, flags | LinuxFiles.MakeNew, LinuxFiles.FileRights, out var error);
                if (error == 0)
                    return made;
                if (error != LinuxFiles.Exists || mode == FileMode.CreateNew)
                    throw LinuxFiles.Failure(error, path);
            }

            try
            {
                return OpenExisting(path, mode == FileMode.Create ? flags | LinuxFiles.Truncate : flags);
            }
            catch (FileNotFoundException) when (mode == FileMode.Create && left > 0)
            {
                // Gone since the attempt to make it.
            }
        }
    }

    /// <summary>
    /// What is known of a file; null when there is none, or only a directory. A look that fails (no descriptor is left, the device does
    /// not answer) is no such answer: callers remove and forget what goes with a file that is not there.
    /// </summary>
    /// <exception cref="IOException">It cannot be found out, or a link is in the way.</exception>
    public static FileFacts? Find(string path)
    {
        if (!OperatingSystem.IsLinux())
            return new FileInfo(path) is { Exists: true } file ? new FileFacts(file.LinkTarget is null, file.Length, file.LastWriteTimeUtc) : null;
        using var place = LinuxFiles.Open(path, LinuxFiles.PathOnly | LinuxFiles.NoFollow, 0, out var error);
        if (LinuxFiles.MeansNoFile(error))
            return null;
        if (error != 0)
            throw LinuxFiles.Failure(error, path);
        if (!LinuxFiles.TryStat(place, out var facts, out var isDirectory))
            throw new IOException("it cannot be looked at: " + path);
        return isDirectory ? null : facts;
    }

    public static byte[] ReadAllBytes(string path)
    {
        using var file = Open(path, FileMode.Open, FileAccess.Read);
        var bytes = new byte[RandomAccess.GetLength(file)];
        var count = 0;
        while (count < bytes.Length && RandomAccess.Read(file, bytes.AsSpan(count), count) is > 0 and var read)
            count += read;
        return bytes[..count];
    }

    /// <summary>Removes a name; does nothing when there is none.</summary>
    public static void Delete(string path)
    {
        if (!OperatingSystem.IsLinux())
        {
            File.Delete(path);
            return;
        }

        using var directory = Parent(path);
        if (LinuxFiles.Remove(directory, Path.GetFileName(path), directoryOnly: false) is var error and not (0 or LinuxFiles.Missing))
            throw LinuxFiles.Failure(error, path);
    }

    /// <summary>Gives a file another name of the same directory, in place of the file that has it.</summary>
    public static void Move(string from, string to)
    {
        if (!OperatingSystem.IsLinux())
        {
            File.Move(from, to, overwrite: true);
            return;
        }

        using var directory = CommonParent(from, to);
        if (LinuxFiles.Rename(directory, Path.GetFileName(from), Path.GetFileName(to)) is var error and not 0)
            throw LinuxFiles.Failure(error, to);
    }

    /// <summary>A second name, of the same directory, for a file; false where hard links are not to be had.</summary>
    public static bool TryLink(string existing, string name)
    {
        if (!OperatingSystem.IsLinux())
            return false;
        using var directory = CommonParent(existing, name);
        var error = LinuxFiles.Link(directory, Path.GetFileName(existing), Path.GetFileName(name));
        return error == 0 || (LinuxFiles.MeansNoLinks(error) ? false : throw LinuxFiles.Failure(error, name));
    }

    /// <summary>Names of the files of a directory that fit a pattern, whatever they are.</summary>
    public static IReadOnlyList<string> FileNames(string directory, string pattern = "*") =>
        Names(directory, place => Directory.EnumerateFiles(place, pattern));

    /// <summary>Names of the directories in a directory.</summary>
    public static IReadOnlyList<string> DirectoryNames(string directory) => Names(directory, Directory.EnumerateDirectories);

    /// <summary>Names of all that is in a directory.</summary>
    public static IReadOnlyList<string> EntryNames(string directory) => Names(directory, Directory.EnumerateFileSystemEntries);

    /// <summary>Makes a directory, and those above it that are missing.</summary>
    public static void MakeDirectory(string path)
    {
        if (!OperatingSystem.IsLinux())
        {
            Directory.CreateDirectory(path);
            return;
        }

        using var found = LinuxFiles.Open(path, LinuxFiles.PathOnly | LinuxFiles.Directory, 0, out var error);
        if (error == 0)
            return;
        if (error != LinuxFiles.Missing || Path.GetDirectoryName(path) is not { } above)
            throw LinuxFiles.Failure(error, path);
        MakeDirectory(above);
        using var directory = Parent(path);
        if (LinuxFiles.MakeDirectory(directory, Path.GetFileName(path)) is var made and not (0 or LinuxFiles.Exists))
            throw LinuxFiles.Failure(made, path);
    }

    /// <summary>Removes an empty directory.</summary>
    public static void RemoveDirectory(string path)
    {
        if (!OperatingSystem.IsLinux())
        {
            Directory.Delete(path);
            return;
        }

        using var directory = Parent(path);
        if (LinuxFiles.Remove(directory, Path.GetFileName(path), directoryOnly: true) is var error and not 0)
            throw LinuxFiles.Failure(error, path);
    }

    /// <summary>Brings the names in a directory to stable storage.</summary>
    public static void FlushDirectory(string path)
    {
        if (!OperatingSystem.IsLinux())
            return;
        using var directory = OpenDirectory(path, LinuxFiles.ReadOnly);
        if (LinuxFiles.Flush(directory) is var error and not 0)
            throw LinuxFiles.Failure(error, path);
    }

    // First the place, then the file in it: a pipe would keep its opener waiting, a device might begin to work.
    private static SafeFileHandle OpenExisting(string path, int flags)
    {
        using var place = LinuxFiles.Open(path, LinuxFiles.PathOnly | LinuxFiles.NoFollow, 0, out var error);
        if (error != 0)
            throw LinuxFiles.Failure(error, path);
        if (!LinuxFiles.TryStat(place, out var facts, out _) || !facts.IsPlain)
            throw LinuxFiles.NoPlainFile(path);
        var file = LinuxFiles.Reopen(place, flags, out error);
        return error == 0 ? file : throw LinuxFiles.Failure(error, path);
    }

    private static List<string> Names(string directory, Func<string, IEnumerable<string>> enumerate)
    {
        if (!OperatingSystem.IsLinux())
            return [.. enumerate(directory).Select(entry => Path.GetFileName(entry))];
        using var handle = OpenDirectory(directory, LinuxFiles.ReadOnly);
        return [.. enumerate(LinuxFiles.PlaceOf(handle)).Select(entry => Path.GetFileName(entry))];
    }

    private static SafeFileHandle CommonParent(string one, string other) =>
        Path.GetDirectoryName(one) == Path.GetDirectoryName(other) ? Parent(one) : throw new ArgumentException("Two directories: " + one + ", " + other, nameof(other));

    private static SafeFileHandle Parent(string path) => OpenDirectory(
        Path.GetDirectoryName(path) ?? throw new ArgumentException("No path of a file: " + path, nameof(path)), LinuxFiles.PathOnly);

    private static SafeFileHandle OpenDirectory(string path, int flags)
    {
        var directory = LinuxFiles.Open(path, flags | LinuxFiles.Directory, 0, out var error);
        return error == 0 ? directory : throw LinuxFiles.Failure(error, path);
    }
}
