using System.Globalization;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace XapiCompat.Disks.Files;

/// <summary>The system's own calls behind <see cref="DirectPath"/>. Failures are error numbers, 0 for none.</summary>
internal static partial class LinuxFiles
{
    public const int ReadOnly = 0;
    public const int ReadWrite = 2;
    public const int Truncate = 0x200;

    /// <summary>O_CREAT and O_EXCL.</summary>
    public const int MakeNew = 0xC0;

    /// <summary>O_PATH: finds the place and opens nothing.</summary>
    public const int PathOnly = 0x200000;

    public const uint FileRights = 0x1B6;
    public const int Missing = 2;
    public const int Exists = 17;

    private const int CloseOnExec = 0x80000;
    private const uint DirectoryRights = 0x1FF;

    // openat2 has this number on all machines.
    private const nint OpenByRules = 437;
    private const ulong NoSymbolicLinks = 4;
    private const int CurrentDirectory = -100;
    private const int RemoveDirectory = 0x200;

    // statx: the one call for a file's facts whose layout is the same on all machines.
    private const int EmptyPath = 0x1000;
    private const uint BasicFacts = 0x7FF;
    private const int StatusBytes = 256;
    private const int ModeOffset = 28;
    private const int SizeOffset = 40;
    private const int ModifiedOffset = 112;
    private const int TypeMask = 0xF000;
    private const int PlainType = 0x8000;
    private const int DirectoryType = 0x4000;

    private const int Interrupted = 4;
    private const int NoRight = 13;
    private const int NoDirectory = 20;
    private const int TooManyLinks = 40;

    private static readonly bool OldNumbers = RuntimeInformation.ProcessArchitecture is Architecture.Arm or Architecture.Arm64 or Architecture.Armv6 or Architecture.Ppc64le;

    // A machine's kernel, or what it lets a container call, does not change under the process.
    private static readonly bool HasRules = TryRules();

    /// <summary>O_DIRECTORY.</summary>
    public static int Directory { get; } = OldNumbers ? 0x4000 : 0x10000;

    /// <summary>O_NOFOLLOW.</summary>
    public static int NoFollow { get; } = OldNumbers ? 0x8000 : 0x20000;

    /// <summary>True tries the way for kernels without openat2.</summary>
    internal static bool WithoutRules { get; set; }

    /// <summary>Opens a path (absolute) in which no part is a symbolic link; for <see cref="PathOnly"/> with <see cref="NoFollow"/> the last may be one.</summary>
    /// <returns>To be disposed of in any case.</returns>
    public static SafeFileHandle Open(string path, int flags, uint rights, out int error)
    {
        flags |= CloseOnExec;
        if (path.Contains('\0'))
        {
            error = Missing;
            return new();
        }

        if (!HasRules || WithoutRules)
            return Walk(path, flags, rights, out error);
        var how = new OpenHow { Flags = (uint)flags, Mode = rights, Resolve = NoSymbolicLinks };
        nint found;
        do
            found = OpenAt2(OpenByRules, CurrentDirectory, path, how, Marshal.SizeOf<OpenHow>());
        while (found < 0 && Marshal.GetLastPInvokeError() == Interrupted);
        return Handle((int)found, out error);
    }

    /// <summary>Opens what a handle stands for, whatever has become of its name.</summary>
    public static SafeFileHandle Reopen(SafeFileHandle place, int flags, out int error)
    {
        int found;
        do
            found = OpenAt(CurrentDirectory, PlaceOf(place), flags | CloseOnExec, 0);
        while (found < 0 && Marshal.GetLastPInvokeError() == Interrupted);
        var handle = Handle(found, out error);
        GC.KeepAlive(place);
        return handle;
    }

    /// <summary>A path that leads to what an open handle stands for.</summary>
    public static string PlaceOf(SafeFileHandle handle) => "/proc/self/fd/" + handle.DangerousGetHandle().ToString(CultureInfo.InvariantCulture);

    public static bool TryStat(SafeFileHandle handle, out FileFacts facts, out bool isDirectory)
    {
        Span<byte> status = stackalloc byte[StatusBytes];
        var known = Status(handle, "", EmptyPath, BasicFacts, status) == 0;
        var type = BitConverter.ToUInt16(status[ModeOffset..]) & TypeMask;
        isDirectory = type == DirectoryType;
        facts = known
            ? new(
                type == PlainType,
                BitConverter.ToInt64(status[SizeOffset..]),
                DateTime.UnixEpoch.AddSeconds(BitConverter.ToInt64(status[ModifiedOffset..])).AddTicks(BitConverter.ToUInt32(status[(ModifiedOffset + 8)..]) / 100))
            : default;
        return known;
    }

    public static int Remove(SafeFileHandle directory, string name, bool directoryOnly) => Error(UnlinkAt(directory, name, directoryOnly ? RemoveDirectory : 0));

    public static int Rename(SafeFileHandle directory, string from, string to) => Error(RenameAt(directory, from, directory, to));

    public static int Link(SafeFileHandle directory, string existing, string name) => Error(LinkAt(directory, existing, directory, name, 0));

    public static int MakeDirectory(SafeFileHandle directory, string name) => Error(MakeDirectoryAt(directory, name, DirectoryRights));

    public static int Flush(SafeFileHandle handle) => Error(FlushFile(handle));

    /// <summary>EPERM, EOPNOTSUPP, EMLINK, ENOSYS: this file system, or this file, takes no further name.</summary>
    public static bool MeansNoLinks(int error) => error is 1 or 31 or 38 or 95;

    /// <summary>ENOENT, ENOTDIR, ENAMETOOLONG: nothing has such a path.</summary>
    public static bool MeansNoFile(int error) => error is Missing or NoDirectory or 36;

    // The error number is the HResult, as in the IOExceptions of the class library on Unix.
    public static Exception Failure(int error, string path) => error switch
    {
        Missing => new FileNotFoundException("there is no such file: " + path, path),
        TooManyLinks => NoPlainFile(path),
        NoRight => new UnauthorizedAccessException(Marshal.GetPInvokeErrorMessage(error) + ": " + path),
        _ => new IOException(Marshal.GetPInvokeErrorMessage(error) + ": " + path, error),
    };

    public static IOException NoPlainFile(string path) => new("it is no plain file: " + path, TooManyLinks);

    // Part by part, each from the one before.
    private static SafeFileHandle Walk(string path, int flags, uint rights, out int error)
    {
        var parts = path.Split('/', StringSplitOptions.RemoveEmptyEntries);
        var place = Handle(OpenAt(CurrentDirectory, "/", parts.Length == 0 ? flags : PathOnly | Directory | CloseOnExec, 0), out error);
        for (var i = 0; i < parts.Length && error == 0; i++)
        {
            using var above = place;
            place = Handle(
                i == parts.Length - 1 ? OpenAt(above, parts[i], flags | NoFollow, rights) : OpenAt(above, parts[i], PathOnly | Directory | NoFollow | CloseOnExec, 0), out error);

            // Of a link the system says only that it is no directory.
            if (error == NoDirectory && !IsPlain(above, parts[i]))
                error = TooManyLinks;
        }

        return place;
    }

    private static bool IsPlain(SafeFileHandle directory, string name)
    {
        using var place = Handle(OpenAt(directory, name, PathOnly | NoFollow | CloseOnExec, 0), out var error);
        return error == 0 && TryStat(place, out var facts, out _) && facts.IsPlain;
    }

    private static bool TryRules()
    {
        var how = new OpenHow { Flags = PathOnly | CloseOnExec, Resolve = NoSymbolicLinks };
        using var root = Handle((int)OpenAt2(OpenByRules, CurrentDirectory, "/", how, Marshal.SizeOf<OpenHow>()), out var error);
        return error == 0;
    }

    private static SafeFileHandle Handle(int descriptor, out int error)
    {
        error = descriptor < 0 ? Marshal.GetLastPInvokeError() : 0;
        return new(descriptor, ownsHandle: true);
    }

    private static int Error(int result) => result == 0 ? 0 : Marshal.GetLastPInvokeError();

    [StructLayout(LayoutKind.Sequential)]
    private struct OpenHow
    {
        public ulong Flags;
        public ulong Mode;
        public ulong Resolve;
    }

    [LibraryImport("libc", EntryPoint = "syscall", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial nint OpenAt2(nint number, nint directory, string path, in OpenHow how, nint size);

    [LibraryImport("libc", EntryPoint = "openat", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int OpenAt(int directory, string path, int flags, uint rights);

    [LibraryImport("libc", EntryPoint = "openat", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int OpenAt(SafeFileHandle directory, string path, int flags, uint rights);

    [LibraryImport("libc", EntryPoint = "statx", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Status(SafeFileHandle directory, string path, int flags, uint mask, Span<byte> status);

    [LibraryImport("libc", EntryPoint = "unlinkat", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int UnlinkAt(SafeFileHandle directory, string name, int flags);

    [LibraryImport("libc", EntryPoint = "renameat", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int RenameAt(SafeFileHandle directory, string from, SafeFileHandle target, string to);

    [LibraryImport("libc", EntryPoint = "linkat", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int LinkAt(SafeFileHandle directory, string existing, SafeFileHandle target, string name, int flags);

    [LibraryImport("libc", EntryPoint = "mkdirat", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int MakeDirectoryAt(SafeFileHandle directory, string name, uint rights);

    [LibraryImport("libc", EntryPoint = "fsync", SetLastError = true)]
    private static partial int FlushFile(SafeFileHandle handle);
}
