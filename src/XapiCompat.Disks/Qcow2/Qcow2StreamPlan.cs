using System.Buffers.Binary;
using System.IO.Pipelines;
using System.Text;
using XapiCompat.Disks.Streams;

namespace XapiCompat.Disks.Qcow2;

/// <summary>
/// The layout of a qcow2 file that is sent strictly forward: header, reference counts, L1 table, L2 tables, data clusters in
/// ascending order. Version 3, clusters of 64 KiB. Equal inputs give equal bytes.
/// </summary>
public sealed class Qcow2StreamPlan : IStreamPlan
{
    private const int ClusterBits = 16;
    private const int ClusterSize = 1 << ClusterBits;
    private const int TableEntries = ClusterSize / sizeof(ulong);
    private const int CountsPerBlock = ClusterSize / sizeof(ushort);
    private const int SectorSize = 512;

    /// <summary>An entry whose target has exactly one user.</summary>
    private const ulong Copied = 1UL << 63;

    private const uint BackingFormatExtension = 0xE2792ACA;

    private readonly long _virtualSize;
    private readonly ClusterRanges _data;
    private readonly int[] _tables;
    private readonly byte[] _header;
    private readonly long _refcountTable;
    private readonly long _refcountBlocks;
    private readonly long _l1;
    private readonly long _clusters;

    private Qcow2StreamPlan(long virtualSize, string backing, IReadOnlyList<Extent> ranges, bool onlyData)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(virtualSize);
        _virtualSize = virtualSize;
        _data = new ClusterRanges(virtualSize, ClusterSize, ranges, onlyData);
        _tables = [.. _data.Runs.SelectMany(Tables).Distinct()];

        var size = (virtualSize + SectorSize - 1) / SectorSize * SectorSize;
        var l1Entries = Divide(Divide(size, ClusterSize), TableEntries);
        _l1 = Math.Max(1, Divide(l1Entries, TableEntries));
        var others = 1 + _l1 + _tables.Length + _data.Count;
        do
        {
            _clusters = others + _refcountTable + _refcountBlocks;
            _refcountBlocks = Divide(_clusters, CountsPerBlock);
            _refcountTable = Divide(_refcountBlocks, TableEntries);
        }
        while (others + _refcountTable + _refcountBlocks != _clusters);

        _header = new byte[ClusterSize];
        WriteHeader(size, l1Entries, backing);
    }

    public long Length => _clusters * ClusterSize;

    private long FirstTable => 1 + _refcountTable + _refcountBlocks + _l1;

    private long FirstData => FirstTable + _tables.Length;

    /// <summary>A disk that stands alone. Holds every cluster that a range of kind Data touches.</summary>
    /// <param name="virtualSize">Bytes; the file says the next whole sector.</param>
    /// <param name="extents">Ascending, inside the disk.</param>
    public static Qcow2StreamPlan Full(long virtualSize, IReadOnlyList<Extent> extents) => new(virtualSize, "", extents, onlyData: true);

    /// <summary>What changed since a backing file. Holds every cluster that a range touches, of whatever kind.</summary>
    /// <param name="virtualSize">Bytes; the file says the next whole sector.</param>
    /// <param name="backingName">File name under which readers look for the backing file, a qcow2 file, beside this one; no directory.</param>
    /// <param name="changed">Ascending, inside the disk.</param>
    public static Qcow2StreamPlan Differential(long virtualSize, string backingName, IReadOnlyList<Extent> changed)
    {
        if (backingName.Length == 0 || Encoding.UTF8.GetByteCount(backingName) > 1023 || backingName.Contains('/', StringComparison.Ordinal))
            throw new ArgumentException("Not a file name that fits into a qcow2 header.", nameof(backingName));
        return new(virtualSize, backingName, changed, onlyData: false);
    }

    public async ValueTask<StreamOutcome> WriteAsync(
        IBlockDevice source, PipeWriter output, Action<long>? progress, CancellationToken cancellationToken)
    {
        if (source.VirtualSize != _virtualSize)
            throw new ArgumentException($"The disk has {source.VirtualSize} bytes, the plan {_virtualSize}.", nameof(source));
        var writer = new PieceWriter(output, Length, progress, cancellationToken);
        var complete = await writer.BytesAsync(_header)
            && await RefcountsAsync(writer)
            && await L1Async(writer)
            && await L2Async(writer)
            && await DataAsync(writer, source)
            && await writer.FlushAsync();
        return complete ? StreamOutcome.Complete : StreamOutcome.ReceiverGone;
    }

    private static long Divide(long count, long unit) => (count + unit - 1) / unit;

    private static IEnumerable<int> Tables((long First, long Count) run)
    {
        for (var table = run.First / TableEntries; table <= (run.First + run.Count - 1) / TableEntries; table++)
            yield return (int)table;
    }

    private void WriteHeader(long size, long l1Entries, string backing)
    {
        // The backing file's format comes first: without it readers would guess, and they warn or refuse.
        var extension = _header.AsSpan(Qcow2Header.Size);
        var nameOffset = Qcow2Header.Size + sizeof(ulong);
        if (backing.Length > 0)
        {
            BinaryPrimitives.WriteUInt32BigEndian(extension, BackingFormatExtension);
            BinaryPrimitives.WriteUInt32BigEndian(extension[4..], 5);
            "qcow2"u8.CopyTo(extension[8..]);
            nameOffset += 16;
        }

        new Qcow2Header
        {
            Version = 3,
            ClusterBits = ClusterBits,
            VirtualSize = (ulong)size,
            BackingOffset = backing.Length > 0 ? (ulong)nameOffset : 0,
            BackingLength = (uint)Encoding.UTF8.GetBytes(backing, _header.AsSpan(nameOffset)),
            L1Entries = (uint)l1Entries,
            L1Offset = (ulong)(1 + _refcountTable + _refcountBlocks) * ClusterSize,
            RefcountTableOffset = ClusterSize,
            RefcountTableClusters = (uint)_refcountTable,
        }.Write(_header);
    }

    private async ValueTask<bool> RefcountsAsync(PieceWriter writer)
    {
        var cluster = new byte[ClusterSize];
        for (long first = 0; first < _refcountTable * TableEntries; first += TableEntries)
        {
            for (var entry = 0; entry < TableEntries; entry++)
            {
                var block = first + entry < _refcountBlocks ? (ulong)(1 + _refcountTable + first + entry) * ClusterSize : 0;
                BinaryPrimitives.WriteUInt64BigEndian(cluster.AsSpan(entry * sizeof(ulong)), block);
            }

            if (!await writer.BytesAsync(cluster))
                return false;
        }

        for (long first = 0; first < _refcountBlocks * CountsPerBlock; first += CountsPerBlock)
        {
            cluster.AsSpan().Clear();
            for (var entry = 0; entry < Math.Min(CountsPerBlock, _clusters - first); entry++)
                cluster[entry * sizeof(ushort) + 1] = 1;
            if (!await writer.BytesAsync(cluster))
                return false;
        }

        return true;
    }

    private async ValueTask<bool> L1Async(PieceWriter writer)
    {
        var table = new byte[_l1 * ClusterSize];
        for (var index = 0; index < _tables.Length; index++)
            BinaryPrimitives.WriteUInt64BigEndian(table.AsSpan(_tables[index] * sizeof(ulong)), Copied | (ulong)(FirstTable + index) * ClusterSize);
        return await writer.BytesAsync(table);
    }

    private async ValueTask<bool> L2Async(PieceWriter writer)
    {
        var table = new byte[ClusterSize];
        var (run, stored) = (0, 0L);
        foreach (var index in _tables)
        {
            table.AsSpan().Clear();
            var (start, end) = ((long)index * TableEntries, (index + 1L) * TableEntries);
            for (; run < _data.Runs.Count && _data.Runs[run].First < end; run++)
            {
                var (first, count) = _data.Runs[run];
                for (var cluster = Math.Max(first, start); cluster < Math.Min(first + count, end); cluster++)
                    BinaryPrimitives.WriteUInt64BigEndian(table.AsSpan((int)(cluster - start) * sizeof(ulong)), Copied | (ulong)(FirstData + stored++) * ClusterSize);
                if (first + count > end)
                    break;
            }

            if (!await writer.BytesAsync(table))
                return false;
        }

        return true;
    }

    private async ValueTask<bool> DataAsync(PieceWriter writer, IBlockDevice source)
    {
        foreach (var (first, count) in _data.Runs)
        {
            var offset = first * ClusterSize;
            var inside = Math.Min(count * ClusterSize, _virtualSize - offset);
            if (!await writer.DeviceAsync(source, offset, inside) || !await writer.ZeroesAsync(count * ClusterSize - inside))
                return false;
        }

        return true;
    }
}
