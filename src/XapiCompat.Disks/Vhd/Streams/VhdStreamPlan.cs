using System.Buffers.Binary;
using System.IO.Pipelines;
using System.Text;
using XapiCompat.Disks.Streams;

namespace XapiCompat.Disks.Vhd.Streams;

/// <summary>
/// The layout of a VHD that is sent strictly forward: footer copy, header, one sector for the parent's name, BAT, whole
/// blocks with full bitmaps in ascending order, footer. Fixed before the first byte is sent, and equal inputs give
/// equal bytes. Immutable; one plan may be sent several times.
/// </summary>
public sealed class VhdStreamPlan : IStreamPlan
{
    private const int BlockSize = VhdLimits.DefaultBlockSize;
    private const int BitmapSize = VhdLimits.SectorSize;
    private const int NameOffset = DynamicHeader.UsualOffset + DynamicHeader.Size;
    private const int TableOffset = NameOffset + VhdLimits.SectorSize;

    private static readonly ReadOnlyMemory<byte> FullBitmap = Filled(BitmapSize);

    private readonly byte[] _head;
    private readonly uint[] _blocks;
    private readonly long _tableEntries;
    private readonly long _dataOffset;

    private VhdStreamPlan(long virtualSize, Footer footer, DynamicHeader header, string locator, uint[] blocks)
    {
        VirtualSize = virtualSize;
        _blocks = blocks;
        _tableEntries = header.MaxTableEntries;
        _dataOffset = TableOffset + VhdLimits.RoundUp(_tableEntries * sizeof(uint), VhdLimits.SectorSize);
        Length = _dataOffset + blocks.Length * (long)(BitmapSize + BlockSize) + Footer.Size;
        _head = new byte[TableOffset];
        footer.Write(_head);
        header.Write(_head.AsSpan(DynamicHeader.UsualOffset));
        Encoding.UTF8.GetBytes(locator, _head.AsSpan(NameOffset));
    }

    /// <summary>Size of the disk in bytes.</summary>
    public long VirtualSize { get; }

    /// <summary>Exact length of the stream in bytes.</summary>
    public long Length { get; }

    /// <summary>How many blocks the stream holds.</summary>
    public int BlockCount => _blocks.Length;

    /// <summary>A disk that stands alone. Holds every block that a range of kind Data touches.</summary>
    /// <param name="virtualSize">Bytes; the VHD says the next whole sector.</param>
    /// <param name="uniqueId">Footer id: the name of this state of the data.</param>
    /// <param name="extents">Ascending, inside the disk.</param>
    /// <exception cref="DiskTooLargeException">More than 2040 GiB.</exception>
    public static VhdStreamPlan Full(long virtualSize, Guid uniqueId, IReadOnlyList<Extent> extents)
    {
        var footer = FooterFor(VhdDiskType.Dynamic, virtualSize, uniqueId);
        return new VhdStreamPlan(virtualSize, footer, HeaderFor(footer), "", BlockSet.Touched(virtualSize, extents, onlyData: true));
    }

    /// <summary>What changed since a parent. Holds every block that a range touches, of whatever kind, complete.</summary>
    /// <param name="virtualSize">Bytes; the VHD says the next whole sector.</param>
    /// <param name="uniqueId">Footer id: the name of this state of the data.</param>
    /// <param name="parentUniqueId">Footer id of the parent's stream.</param>
    /// <param name="parentName">File name under which readers look for the parent beside this file; no directory.</param>
    /// <param name="changed">Ascending, inside the disk.</param>
    /// <exception cref="DiskTooLargeException">More than 2040 GiB.</exception>
    public static VhdStreamPlan Differential(
        long virtualSize, Guid uniqueId, Guid parentUniqueId, string parentName, IReadOnlyList<Extent> changed)
    {
        var locator = "file://" + parentName;
        var locatorLength = Encoding.UTF8.GetByteCount(locator);
        if (parentName.Length is 0 or > VhdLimits.ParentNameBytes / 2 || locatorLength > VhdLimits.SectorSize || parentName.Contains('/', StringComparison.Ordinal))
            throw new ArgumentException("Not a file name that fits into a VHD.", nameof(parentName));
        var footer = FooterFor(VhdDiskType.Differencing, virtualSize, uniqueId);
        var header = HeaderFor(footer) with
        {
            ParentUniqueId = parentUniqueId,
            ParentName = parentName,
            ParentLocators = [new ParentLocator(ParentLocator.MacX, 1, (uint)locatorLength, NameOffset)],
        };
        return new VhdStreamPlan(virtualSize, footer, header, locator, BlockSet.Touched(virtualSize, changed, onlyData: false));
    }

    /// <summary>Sends the stream. Completes neither the pipe nor the device.</summary>
    /// <param name="source">Has the virtual size of the plan.</param>
    /// <param name="progress">Called after each flush with the bytes sent so far.</param>
    public async ValueTask<StreamOutcome> WriteAsync(
        IBlockDevice source, PipeWriter output, Action<long>? progress, CancellationToken cancellationToken)
    {
        if (source.VirtualSize != VirtualSize)
            throw new ArgumentException($"The disk has {source.VirtualSize} bytes, the plan {VirtualSize}.", nameof(source));
        var writer = new PieceWriter(output, Length, progress, cancellationToken);
        var complete = await writer.BytesAsync(_head)
            && await TableAsync(writer)
            && await BlocksAsync(writer, source)
            && await writer.BytesAsync(_head.AsMemory(0, Footer.Size))
            && await writer.FlushAsync();
        return complete ? StreamOutcome.Complete : StreamOutcome.ReceiverGone;
    }

    private async ValueTask<bool> TableAsync(PieceWriter writer)
    {
        var next = 0;
        var index = 0u;
        for (var rest = _dataOffset - TableOffset; rest > 0;)
        {
            // Everything before is whole sectors, so no entry is torn between two pieces.
            var space = await writer.SpaceAsync(rest);
            if (space.IsEmpty)
                return false;
            Entries(space.Span, ref index, ref next);
            rest -= space.Length;
        }

        return true;
    }

    private void Entries(Span<byte> table, ref uint index, ref int next)
    {
        table.Fill(0xFF);
        var first = index;
        index += (uint)(table.Length / sizeof(uint));
        for (; next < _blocks.Length && _blocks[next] < index; next++)
        {
            var sector = (_dataOffset + next * (long)(BitmapSize + BlockSize)) / VhdLimits.SectorSize;
            BinaryPrimitives.WriteUInt32BigEndian(table[(int)((_blocks[next] - first) * sizeof(uint))..], (uint)sector);
        }
    }

    private async ValueTask<bool> BlocksAsync(PieceWriter writer, IBlockDevice source)
    {
        foreach (var block in _blocks)
        {
            var offset = block * (long)BlockSize;
            var inside = Math.Min(BlockSize, VirtualSize - offset);
            var sent = await writer.BytesAsync(FullBitmap)
                && await writer.DeviceAsync(source, offset, inside)
                && await writer.ZeroesAsync(BlockSize - inside);
            if (!sent)
                return false;
        }

        return true;
    }

    private static Footer FooterFor(VhdDiskType type, long virtualSize, Guid uniqueId)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(virtualSize);
        if (virtualSize > VhdLimits.MaxVirtualSize)
            throw new DiskTooLargeException(virtualSize);
        var size = VhdLimits.RoundUp(virtualSize, VhdLimits.SectorSize);
        return Footer.Create(type, size, uniqueId, timestamp: 0) with { CreatorApplication = Footer.CamlCreator, CreatorVersion = 1 };
    }

    private static DynamicHeader HeaderFor(in Footer footer) => new()
    {
        TableOffset = TableOffset,
        MaxTableEntries = (uint)VhdLimits.BlockCount(footer.CurrentSize, BlockSize),
    };

    private static byte[] Filled(int length)
    {
        var bytes = new byte[length];
        bytes.AsSpan().Fill(0xFF);
        return bytes;
    }
}
