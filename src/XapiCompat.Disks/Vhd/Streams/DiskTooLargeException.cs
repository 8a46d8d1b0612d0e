namespace XapiCompat.Disks.Vhd.Streams;

/// <summary>A disk of more bytes than a VHD can hold.</summary>
public sealed class DiskTooLargeException(long virtualSize)
    : IOException($"{virtualSize} bytes are more than the {VhdLimits.MaxVirtualSize} that a VHD holds")
{
    /// <summary>Bytes asked for.</summary>
    public long VirtualSize { get; } = virtualSize;

    /// <summary>The most that is possible, in bytes.</summary>
    public static long Maximum => VhdLimits.MaxVirtualSize;
}
