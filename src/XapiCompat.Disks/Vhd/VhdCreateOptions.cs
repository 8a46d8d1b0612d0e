namespace XapiCompat.Disks.Vhd;

/// <summary>What a new file is made of; sizes in bytes.</summary>
public sealed record VhdCreateOptions
{
    /// <summary>Above zero, a whole number of sectors, at most <see cref="VhdLimits.MaxVirtualSize"/>.</summary>
    public required long VirtualSize { get; init; }

    /// <summary>Names the state of the data; a child's parent unique id repeats it.</summary>
    public required Guid UniqueId { get; init; }

    public VhdDiskType DiskType { get; init; } = VhdDiskType.Dynamic;

    /// <summary>Creation time in the footer; the default is the format's epoch.</summary>
    public DateTimeOffset Timestamp { get; init; } = VhdTime.ToDateTime(0);

    /// <summary>Unique id of the parent's footer; differencing only.</summary>
    public Guid ParentUniqueId { get; init; }

    /// <summary>Bare file name of the parent in the same directory; differencing only.</summary>
    public string ParentName { get; init; } = "";

    /// <summary>The parent's modification time; differencing only.</summary>
    public DateTimeOffset ParentTimestamp { get; init; } = VhdTime.ToDateTime(0);

    public bool Hidden { get; init; }

    public int BlockSize { get; init; } = VhdLimits.DefaultBlockSize;

    /// <summary>
    /// Largest size up to which <see cref="VhdFile.ResizeAsync"/> need not move the BAT; 0 = room for nothing but the rounding
    /// of the BAT to whole sectors.
    /// </summary>
    public long ReservedSize { get; init; }

    /// <summary>True returns only when the file is on stable storage. The directory entry is the caller's matter.</summary>
    public bool Durable { get; init; }

    /// <summary>True replaces an existing file; otherwise one makes the creation fail.</summary>
    public bool Overwrite { get; init; }
}
