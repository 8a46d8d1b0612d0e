using XapiCompat.Disks.Vhd;

namespace XapiCompat.Storage.VhdTree;

/// <summary>The failures of this plugin; clients go by the number.</summary>
internal static class Faults
{
    private const int NoSpaceError = 28;
    private const int QuotaError = 122;
    private const int DiskFullError = unchecked((int)0x80070070);

    public static bool IsNoSpace(Exception e) => e is IOException && e.HResult is NoSpaceError or QuotaError or DiskFullError;

    public static StorageException NoSpace(Exception inner) => new(StorageFault.NoSpace, "There is insufficient space", inner);

    public static StorageException Size(string detail) => new(StorageFault.VolumeSize, "no size for a VDI [opterr=" + detail + "]");

    public static StorageException Hidden(StorageFault fault, string text) => new(fault, text + " [opterr=not a leaf]");

    public static StorageException ChainTooLong() => new(StorageFault.ChainTooLong, "the VDI has too many ancestors");

    /// <summary>A foreseen failure of the file system or of a file's content as what the host may show.</summary>
    public static StorageException From(Exception e, StorageFault fault, string text) => e switch
    {
        StorageException known => known,
        _ when IsNoSpace(e) => NoSpace(e),
        VhdFormatException format => new StorageException(StorageFault.VolumeLoad, "the VDI cannot be read [opterr=" + format.Error + "]", e),
        _ => new StorageException(fault, text + " [opterr=" + e.Message + "]", e),
    };

    public static bool IsForeseen(Exception e) => e is IOException or UnauthorizedAccessException;
}
