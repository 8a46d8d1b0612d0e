using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace XapiCompat.Disks.Raw;

/// <summary>Holes of files, where system and file system know them; elsewhere a file counts as data from end to end.</summary>
internal static partial class SparseFile
{
    private const int SeekData = 3;
    private const int SeekHole = 4;

    /// <summary>FALLOC_FL_KEEP_SIZE and FALLOC_FL_PUNCH_HOLE.</summary>
    private const int PunchHole = 3;

    /// <summary>ENXIO: nothing but a hole from there on.</summary>
    private const int NoMoreData = 6;

    /// <summary>The allocation of a range: ascending, gapless, neighbours differ in kind.</summary>
    public static List<Extent> Extents(SafeFileHandle file, long offset, long length)
    {
        var extents = new List<Extent>();
        for (var (position, end) = (offset, offset + length); position < end;)
        {
            var data = Seek(file, position, SeekData);
            if (data == -NoMoreData)
                data = end;
            var hole = data < 0 ? end : data < end ? Seek(file, data, SeekHole) : end;
            if (data < 0 || hole < 0)
                (data, hole) = (position, end);
            data = Math.Clamp(data, position, end);
            hole = Math.Clamp(hole, data, end);
            if (data > position)
                extents.Add(new Extent(position, data - position, ExtentKind.Zero));
            if (hole > data)
                extents.Add(new Extent(data, hole - data, ExtentKind.Data));
            position = hole;
        }

        return extents;
    }

    /// <summary>Frees a range, which reads as zeroes from then on; false where that is not to be had.</summary>
    public static bool TryPunch(SafeFileHandle file, long offset, long length)
    {
        if (!OperatingSystem.IsLinux())
            return false;
        var added = false;
        try
        {
            file.DangerousAddRef(ref added);
            return FileAllocate((int)file.DangerousGetHandle(), PunchHole, offset, length) == 0;
        }
        finally
        {
            if (added)
                file.DangerousRelease();
        }
    }

    /// <summary>The position found, or the negative error number.</summary>
    private static long Seek(SafeFileHandle file, long offset, int whence)
    {
        if (!OperatingSystem.IsLinux())
            return -1;
        var added = false;
        try
        {
            file.DangerousAddRef(ref added);
            var found = LongSeek((int)file.DangerousGetHandle(), offset, whence);
            return found >= 0 ? found : -Marshal.GetLastPInvokeError();
        }
        finally
        {
            if (added)
                file.DangerousRelease();
        }
    }

    [LibraryImport("libc", EntryPoint = "lseek", SetLastError = true)]
    private static partial long LongSeek(int descriptor, long offset, int whence);

    [LibraryImport("libc", EntryPoint = "fallocate", SetLastError = true)]
    private static partial int FileAllocate(int descriptor, int mode, long offset, long length);
}
