namespace XapiCompat.Disks.Qcow2;

internal enum Qcow2RunKind
{
    /// <summary>Stored nowhere in the file.</summary>
    Absent,

    /// <summary>Stored as plain bytes.</summary>
    Data,

    /// <summary>Reads as zeroes without being stored.</summary>
    Zero,

    /// <summary>One cluster, deflated.</summary>
    Compressed,
}

/// <summary>A run of guest bytes of one kind; all but absent ones are at most one L2 table long.</summary>
/// <param name="Offset">First guest byte.</param>
/// <param name="Length">Bytes.</param>
/// <param name="HostOffset">First byte in the file, for stored kinds.</param>
/// <param name="HostLength">Bytes in the file at most, for a compressed cluster.</param>
internal readonly record struct Qcow2Run(long Offset, long Length, Qcow2RunKind Kind, long HostOffset = 0, int HostLength = 0)
{
    public long End => Offset + Length;
}
