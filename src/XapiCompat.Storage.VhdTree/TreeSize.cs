using XapiCompat.Disks.Vhd;

namespace XapiCompat.Storage.VhdTree;

/// <summary>The size rules of VHD repositories: at least one block, whole blocks, at most 2040 GiB.</summary>
internal static class TreeSize
{
    public static long Round(long size)
    {
        if (size is < 0 or > VhdLimits.MaxVirtualSize)
            throw Faults.Size("0 to 2040 GiB");
        return (Math.Max(size, 1) + VhdLimits.DefaultBlockSize - 1) / VhdLimits.DefaultBlockSize * VhdLimits.DefaultBlockSize;
    }
}
