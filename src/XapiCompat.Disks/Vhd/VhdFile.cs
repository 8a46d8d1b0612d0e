namespace XapiCompat.Disks.Vhd;

/// <summary>
/// One layer: a fixed, dynamic or differencing VHD on disk. Safe for concurrent calls, except <see cref="ResizeAsync"/> and
/// <see cref="SetParentAsync"/>, which must be alone. Parents are never opened here: see <see cref="VhdChain"/>.
/// </summary>
public sealed class VhdFile : IAsyncDisposable
{
    private VhdFile(string path) => Path = path;

    /// <summary>Full path at the time of opening; a later rename does not disturb.</summary>
    public string Path { get; }

    public VhdAccess Access => throw new NotImplementedException();

    public Footer Footer => throw new NotImplementedException();

    /// <summary>Null on a fixed disk.</summary>
    public DynamicHeader? Header => throw new NotImplementedException();

    public VhdDiskType DiskType => Footer.DiskType;

    public bool IsHidden => Footer.Hidden != 0;

    /// <summary>Bytes.</summary>
    public long VirtualSize => Footer.CurrentSize;

    public Guid UniqueId => Footer.UniqueId;

    /// <summary><see cref="Guid.Empty"/> without a parent.</summary>
    public Guid ParentUniqueId => throw new NotImplementedException();

    /// <summary>The parent unicode name; empty without a parent. It comes from the file: never open it unchecked.</summary>
    public string ParentName => throw new NotImplementedException();

    /// <summary>Length of the file in bytes.</summary>
    public long PhysicalSize => throw new NotImplementedException();

    /// <summary>Bytes of data in a block; of a fixed disk, of the blocks into which it is thought to be cut.</summary>
    public int BlockSize => throw new NotImplementedException();

    /// <summary>Blocks that the virtual size has, the last maybe partial.</summary>
    public int BlockCount => throw new NotImplementedException();

    /// <summary>Blocks stored in this file.</summary>
    public int AllocatedBlockCount => throw new NotImplementedException();

    /// <summary>Writes headers only and returns the new file opened for writing.</summary>
    /// <exception cref="ArgumentException">A size, name or type that the format cannot hold.</exception>
    public static VhdFile Create(string path, VhdCreateOptions options) => throw new NotImplementedException();

    /// <summary>Opens and validates a file; reads footers, header and BAT.</summary>
    /// <exception cref="VhdFormatException">The file is not a usable VHD.</exception>
    public static VhdFile Open(string path, VhdAccess access) => throw new NotImplementedException();

    /// <summary>True when the block is stored in this file.</summary>
    public bool IsAllocated(int block) => throw new NotImplementedException();

    /// <summary>The blocks stored in this file, ascending, as they are while the caller enumerates.</summary>
    public IEnumerable<int> AllocatedBlocks() => throw new NotImplementedException();

    /// <summary>Sets or clears tapdisk's hidden mark; durable on return.</summary>
    public ValueTask SetHiddenAsync(bool hidden, CancellationToken cancellationToken = default) => throw new NotImplementedException();

    /// <summary>Gives the data another name; durable on return.</summary>
    public ValueTask SetUniqueIdAsync(Guid uniqueId, CancellationToken cancellationToken = default) => throw new NotImplementedException();

    /// <summary>Puts a differencing disk on another parent: id, name and locators; durable on return.</summary>
    public ValueTask SetParentAsync(Guid uniqueId, string name, CancellationToken cancellationToken = default) => throw new NotImplementedException();

    /// <summary>Makes the disk larger (bytes); smaller is refused, equal does nothing; durable on return.</summary>
    public ValueTask ResizeAsync(long virtualSize, CancellationToken cancellationToken = default) => throw new NotImplementedException();

    /// <summary>
    /// Writes all data of this layer into its parent, sector by sector, and flushes the parent, which grows to this
    /// layer's virtual size if it is smaller. May be repeated after an interruption.
    /// </summary>
    public ValueTask CoalesceIntoAsync(VhdFile parent, CancellationToken cancellationToken = default) => throw new NotImplementedException();

    /// <summary>Returns when everything written before is on stable storage.</summary>
    public ValueTask FlushAsync(CancellationToken cancellationToken = default) => throw new NotImplementedException();

    public ValueTask DisposeAsync() => throw new NotImplementedException();
}
