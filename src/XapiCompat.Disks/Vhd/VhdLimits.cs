namespace XapiCompat.Disks.Vhd;

/// <summary>Sizes that the format fixes, in bytes unless a name says otherwise.</summary>
public static class VhdLimits
{
    public const int SectorSize = 512;

    /// <summary>Block size of everything that is created here, and the only one that tapdisk knows.</summary>
    public const int DefaultBlockSize = 2 * 1024 * 1024;

    public const int MinBlockSize = 4096;

    public const int MaxBlockSize = 64 * 1024 * 1024;

    /// <summary>2040 GiB: the largest virtual size.</summary>
    public const long MaxVirtualSize = 2040L << 30;

    /// <summary>BAT entry of a block that is not stored.</summary>
    public const uint UnusedBatEntry = 0xFFFFFFFF;

    /// <summary>Bytes of the parent unicode name field; half as many UTF-16 units fit.</summary>
    public const int ParentNameBytes = 512;

    internal static long RoundUp(long value, long unit) => (value + unit - 1) / unit * unit;

    internal static int BlockCount(long virtualSize, int blockSize) => checked((int)((virtualSize + blockSize - 1) / blockSize));
}
