using System.Buffers.Binary;
using System.Collections;
using Microsoft.Win32.SafeHandles;
using XapiCompat.Disks.Streams;

namespace XapiCompat.Disks.Qcow2;

/// <summary>
/// The map of a qcow2 file from an untrusted source. Every table and every plain cluster may be used once: a small
/// file that names one cluster a million times does not become a large disk.
/// </summary>
internal sealed class Qcow2Image
{
    private const ulong OffsetMask = 0x00FF_FFFF_FFFF_FE00;
    private const ulong CompressedFlag = 1UL << 62;
    private const ulong ZeroFlag = 1;
    private const int MaxL1Bytes = 32 << 20;

    private readonly SafeFileHandle _file;
    private readonly long _fileLength;
    private readonly Qcow2Header _header;
    private readonly ulong[] _l1;
    private readonly long _virtualSize;

    private Qcow2Image(SafeFileHandle file, long fileLength, in Qcow2Header header)
    {
        _file = file;
        _fileLength = fileLength;
        _header = header;
        _virtualSize = (long)header.VirtualSize;
        _l1 = ReadTable((long)header.L1Offset, (int)NeededL1(header));
    }

    public int ClusterSize => 1 << (int)_header.ClusterBits;

    /// <summary>True when absent clusters show another file, which is not part of the upload.</summary>
    public bool HasBacking => _header.BackingOffset != 0;

    private int TableEntries => ClusterSize / sizeof(ulong);

    /// <exception cref="StreamRefusedException">The file cannot be used, with the reason.</exception>
    public static Qcow2Image Open(SafeFileHandle file)
    {
        var length = RandomAccess.GetLength(file);
        var head = new byte[Math.Min(length, Qcow2Header.Size)];
        ReadFully(file, head, 0);
        if (Qcow2Header.TryRead(head, out var problem) is not { } header)
            throw Malformed(problem);
        if (header.ClusterBits is < 9 or > 21)
            throw Malformed($"clusters of 2^{header.ClusterBits} bytes");
        if (header.Encryption != 0)
            throw Malformed("the file is encrypted");
        if (header.IncompatibleFeatures != 0)
            throw Malformed($"features {header.IncompatibleFeatures:x} are not known");
        if (header.CompressionType != 0)
            throw Malformed($"compression type {header.CompressionType}");
        if (header.VirtualSize > long.MaxValue / 2 || NeededL1(header) > Math.Min(header.L1Entries, MaxL1Bytes / sizeof(ulong)))
            throw Malformed($"{header.L1Entries} L1 entries for {header.VirtualSize} bytes");
        var image = new Qcow2Image(file, length, header);
        image.CheckTables();
        return image;
    }

    /// <summary>The whole disk, ascending and gapless; neighbours of one kind are joined where their bytes are neighbours too.</summary>
    public IEnumerable<Qcow2Run> Runs()
    {
        var span = (long)TableEntries * ClusterSize;
        for (var index = 0; index < _l1.Length; index++)
        {
            var start = index * span;
            if ((_l1[index] & OffsetMask) == 0)
            {
                yield return new Qcow2Run(start, Math.Min(span, _virtualSize - start), Qcow2RunKind.Absent);
                continue;
            }

            var pending = default(Qcow2Run);
            foreach (var run in TableRuns(index, start))
            {
                if (pending.Length > 0 && CanJoin(pending, run))
                {
                    pending = pending with { Length = pending.Length + run.Length };
                    continue;
                }

                if (pending.Length > 0)
                    yield return pending;
                pending = run;
            }

            if (pending.Length > 0)
                yield return pending;
        }
    }

    private static bool CanJoin(in Qcow2Run one, in Qcow2Run next) =>
        one.Kind == next.Kind && one.Kind != Qcow2RunKind.Compressed
        && (one.Kind != Qcow2RunKind.Data || one.HostOffset + one.Length == next.HostOffset);

    private IEnumerable<Qcow2Run> TableRuns(int index, long start)
    {
        var table = ReadTable((long)(_l1[index] & OffsetMask), TableEntries);
        for (var entry = 0; entry < table.Length; entry++)
        {
            var offset = start + (long)entry * ClusterSize;
            if (offset >= _virtualSize)
                yield break;
            yield return Run(table[entry], offset, Math.Min(ClusterSize, _virtualSize - offset));
        }
    }

    private Qcow2Run Run(ulong entry, long offset, long length)
    {
        if ((entry & CompressedFlag) != 0)
        {
            var offsetBits = 62 - ((int)_header.ClusterBits - 8);
            var host = (long)(entry & ((1UL << offsetBits) - 1));
            var sectors = (int)((entry & (CompressedFlag - 1)) >> offsetBits) + 1;
            return new Qcow2Run(offset, length, Qcow2RunKind.Compressed, host, sectors * 512 - (int)(host % 512));
        }

        if (_header.Version >= 3 && (entry & ZeroFlag) != 0)
            return new Qcow2Run(offset, length, Qcow2RunKind.Zero);
        var data = (long)(entry & OffsetMask);
        return data == 0 ? new Qcow2Run(offset, length, Qcow2RunKind.Absent) : new Qcow2Run(offset, length, Qcow2RunKind.Data, data);
    }

    private void CheckTables()
    {
        var used = new BitArray(checked((int)Math.Min(int.MaxValue, _fileLength / ClusterSize + 1)));
        for (var index = 0; index < _l1.Length; index++)
        {
            if ((_l1[index] & OffsetMask) is not 0 and var table)
                Use(used, (long)table);
        }

        foreach (var run in Runs())
        {
            for (long at = 0; run.Kind == Qcow2RunKind.Data && at < run.Length; at += ClusterSize)
                Use(used, run.HostOffset + at);
            if (run.Kind == Qcow2RunKind.Compressed && run.HostOffset >= _fileLength)
                throw Malformed($"a cluster at {run.HostOffset} behind the end of the file");
        }
    }

    private void Use(BitArray used, long offset)
    {
        if (offset % ClusterSize != 0 || offset >= _fileLength || offset / ClusterSize >= used.Length)
            throw Malformed($"a cluster at {offset}, which is none of the file");
        var cluster = (int)(offset / ClusterSize);
        if (used[cluster])
            throw Malformed($"the cluster at {offset} is used twice");
        used[cluster] = true;
    }

    private ulong[] ReadTable(long offset, int entries)
    {
        var bytes = new byte[entries * sizeof(ulong)];
        if (offset < 0 || offset > _fileLength - bytes.Length)
            throw Malformed($"a table at {offset} behind the end of the file");
        ReadFully(_file, bytes, offset);
        var table = new ulong[entries];
        for (var index = 0; index < entries; index++)
            table[index] = BinaryPrimitives.ReadUInt64BigEndian(bytes.AsSpan(index * sizeof(ulong)));
        return table;
    }

    private static void ReadFully(SafeFileHandle file, Span<byte> buffer, long offset)
    {
        while (buffer.Length > 0)
        {
            var count = RandomAccess.Read(file, buffer, offset);
            if (count == 0)
                throw Malformed("the file is cut");
            buffer = buffer[count..];
            offset += count;
        }
    }

    private static ulong NeededL1(in Qcow2Header header)
    {
        var span = 1UL << (int)(2 * header.ClusterBits - 3);
        return (header.VirtualSize + span - 1) / span;
    }

    private static StreamRefusedException Malformed(string detail) => new(DecodeFailure.Malformed, "qcow2: " + detail);
}
