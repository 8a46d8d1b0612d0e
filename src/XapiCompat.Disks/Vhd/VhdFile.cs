namespace XapiCompat.Disks.Vhd;

/// <summary>
/// One layer: a fixed, dynamic or differencing VHD on disk. Safe for concurrent calls, except <see cref="ResizeAsync"/>,
/// <see cref="ForgetParentAsync"/> and <see cref="CoalesceIntoAsync"/>, which must be alone on the files they change. Parents are
/// never opened here: see <see cref="VhdChain"/>. Disposing does not flush.
/// </summary>
public sealed partial class VhdFile : IAsyncDisposable
{
    private readonly VhdIo _io;
    private readonly BitmapCache _bitmaps;
    private readonly Lock[] _blockLocks = new Lock[32];

    // Guards where the file ends, and the footers.
    private readonly Lock _tailLock = new();
    private readonly int _bitmapBytes;
    private volatile State _state;
    private long _footerOffset;

    private VhdFile(string path, VhdAccess access, VhdIo io, VhdImage image)
    {
        Path = System.IO.Path.GetFullPath(path);
        Access = access;
        DiskType = image.Footer.DiskType;
        _io = io;
        _state = new State(image.Footer, image.Header, image.Table);
        _usableLocators = image.UsableLocators;
        BlockSize = (int)(image.Header?.BlockSize ?? VhdLimits.DefaultBlockSize);
        _bitmapBytes = image.Header is null ? 0 : SectorBitmap.ByteLength(BlockSize);
        _bitmaps = new BitmapCache(Math.Max(_bitmapBytes, VhdLimits.SectorSize));
        for (var index = 0; index < _blockLocks.Length; index++)
            _blockLocks[index] = new Lock();
    }

    /// <summary>Full path at the time of opening; a later rename does not disturb.</summary>
    public string Path { get; }

    public VhdAccess Access { get; }

    public Footer Footer => _state.Footer;

    /// <summary>Null on a fixed disk.</summary>
    public DynamicHeader? Header => _state.Header;

    public VhdDiskType DiskType { get; }

    public bool IsHidden => Footer.Hidden != 0;

    /// <summary>Bytes.</summary>
    public long VirtualSize => _state.Footer.CurrentSize;

    public Guid UniqueId => Footer.UniqueId;

    /// <summary><see cref="Guid.Empty"/> without a parent.</summary>
    public Guid ParentUniqueId => DiskType == VhdDiskType.Differencing ? _state.Header!.Value.ParentUniqueId : Guid.Empty;

    /// <summary>The parent unicode name; empty without a parent. It comes from the file: never open it unchecked.</summary>
    public string ParentName => DiskType == VhdDiskType.Differencing ? _state.Header!.Value.ParentName : "";

    /// <summary>Length of the file in bytes.</summary>
    public long PhysicalSize => _io.Length;

    /// <summary>Bytes of data in a block; of a fixed disk, of the blocks into which it is thought to be cut.</summary>
    public int BlockSize { get; }

    /// <summary>Blocks that the virtual size has, the last maybe partial.</summary>
    public int BlockCount => VhdLimits.BlockCount(VirtualSize, BlockSize);

    /// <summary>Blocks stored in this file.</summary>
    public int AllocatedBlockCount => DiskType == VhdDiskType.Fixed ? BlockCount : _state.Table.AllocatedCount;

    internal int SectorsPerBlock => BlockSize / VhdLimits.SectorSize;

    /// <summary>Opens and validates a file; reads footers, header and BAT.</summary>
    /// <exception cref="VhdFormatException">The file is not a usable VHD.</exception>
    public static VhdFile Open(string path, VhdAccess access, FileLayer? files = null) => Open(path, access, VhdIo.Open(path, access, files));

    internal static VhdFile Open(string path, VhdAccess access, VhdIo io)
    {
        try
        {
            var image = new VhdInspector(io, ThrowIfFatal).Inspect()
                ?? throw new InvalidOperationException("An inspection ended without a reason.");
            var file = new VhdFile(path, access, io, image);
            file._footerOffset = access == VhdAccess.Read ? 0 : file.PrepareTail(image);
            return file;
        }
        catch
        {
            io.Dispose();
            throw;
        }

        void ThrowIfFatal(VhdFinding finding)
        {
            if (finding.PreventsOpening)
                throw new VhdFormatException(finding.Error, finding.Message + " (" + path + ")");
        }
    }

    /// <summary>True when the block is stored in this file.</summary>
    public bool IsAllocated(int block) =>
        (uint)block < (uint)BlockCount && (DiskType == VhdDiskType.Fixed || _state.Table[block] != VhdLimits.UnusedBatEntry);

    /// <summary>The blocks stored in this file, ascending, as they are while the caller enumerates.</summary>
    public IEnumerable<int> AllocatedBlocks() =>
        DiskType == VhdDiskType.Fixed ? Enumerable.Range(0, BlockCount) : _state.Table.Allocated(BlockCount);

    /// <summary>Returns when everything written before is on stable storage.</summary>
    public ValueTask FlushAsync(CancellationToken cancellationToken = default) =>
        Access == VhdAccess.Read ? ValueTask.CompletedTask : new ValueTask(Task.Run(_io.Flush, cancellationToken));

    public ValueTask DisposeAsync()
    {
        Close();
        return ValueTask.CompletedTask;
    }

    /// <summary>What disposing does, for callers that have nothing to wait for.</summary>
    public void Close() => _io.Dispose();

    internal Lock BlockLock(int block) => _blockLocks[block % _blockLocks.Length];

    private void EnsureWritable()
    {
        if (Access == VhdAccess.Read)
            throw new InvalidOperationException("The VHD was opened for reading: " + Path);
    }

    private sealed record State(Footer Footer, DynamicHeader? Header, BlockTable Table);
}
