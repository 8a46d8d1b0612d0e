using System.Runtime.InteropServices;

namespace XapiCompat.Storage.VhdTree;

/// <summary>The calls of the system that the class library does not have.</summary>
internal static partial class Native
{
    private const int OpenReadOnly = 0;

    // statx: the one call for a file's type whose layout is the same on all machines.
    private const int CurrentDirectory = -100;
    private const int NoFollow = 0x100;
    private const uint TypeOnly = 1;
    private const int StatusBytes = 256;
    private const int ModeOffset = 28;
    private const int TypeMask = 0xF000;
    private const int PlainFile = 0x8000;

    // EPERM, EOPNOTSUPP, EMLINK, ENOSYS: this file system, or this file, takes no further name.
    private static readonly int[] NoLinks = [1, 31, 38, 95];

    /// <summary>A second name for a file; false where hard links are not to be had.</summary>
    public static bool TryLink(string existing, string name)
    {
        if (OperatingSystem.IsWindows())
            return false;
        if (Link(existing, name) == 0)
            return true;
        var error = Marshal.GetLastPInvokeError();
        return NoLinks.Contains(error) ? false : throw Failure(error, name);
    }

    /// <summary>Brings the names in a directory to stable storage.</summary>
    public static void FlushDirectory(string path)
    {
        if (OperatingSystem.IsWindows())
            return;
        var directory = Open(path, OpenReadOnly);
        if (directory < 0)
            throw Failure(Marshal.GetLastPInvokeError(), path);
        var error = FlushFile(directory) == 0 ? 0 : Marshal.GetLastPInvokeError();
        _ = Close(directory);
        if (error != 0)
            throw Failure(error, path);
    }

    /// <summary>True for a name that is there and that is no plain file: a link, a pipe, a device, a directory.</summary>
    public static bool IsOther(string path)
    {
        if (OperatingSystem.IsWindows())
            return false;
        var status = new byte[StatusBytes];
        return Status(CurrentDirectory, path, NoFollow, TypeOnly, status) == 0
            && (BitConverter.ToUInt16(status, ModeOffset) & TypeMask) != PlainFile;
    }

    // The error number is the HResult, as in the IOExceptions of the class library on Unix.
    private static IOException Failure(int error, string path) => new(Marshal.GetPInvokeErrorMessage(error) + ": " + path, error);

    [LibraryImport("libc", EntryPoint = "link", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Link(string existing, string name);

    [LibraryImport("libc", EntryPoint = "open", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Open(string path, int flags);

    [LibraryImport("libc", EntryPoint = "fsync", SetLastError = true)]
    private static partial int FlushFile(int descriptor);

    [LibraryImport("libc", EntryPoint = "statx", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Status(int directory, string path, int flags, uint mask, [Out] byte[] status);

    [LibraryImport("libc", EntryPoint = "close")]
    private static partial int Close(int descriptor);
}
