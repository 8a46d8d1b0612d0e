using System.Buffers.Binary;

namespace XapiCompat.Disks.Qcow2;

/// <summary>The header of a qcow2 file, as far as disks are moved by it. All numbers are big-endian.</summary>
internal readonly record struct Qcow2Header
{
    public const uint Magic = 0x514649FB;

    /// <summary>Bytes of a header of version 3 with the field for the compression type.</summary>
    public const int Size = 112;

    /// <summary>Bytes of a header of version 2.</summary>
    public const int SizeOfVersion2 = 72;

    private const ulong Dirty = 1;

    /// <summary>2 or 3.</summary>
    public required uint Version { get; init; }

    /// <summary>Where the backing file's name stands; 0 without one. The name comes from the file: nobody opens it here.</summary>
    public ulong BackingOffset { get; init; }

    /// <summary>Bytes of the backing file's name.</summary>
    public uint BackingLength { get; init; }

    public required uint ClusterBits { get; init; }

    /// <summary>Bytes that a guest sees.</summary>
    public required ulong VirtualSize { get; init; }

    public uint Encryption { get; init; }

    public required uint L1Entries { get; init; }

    public required ulong L1Offset { get; init; }

    public ulong RefcountTableOffset { get; init; }

    public uint RefcountTableClusters { get; init; }

    /// <summary>Features that a reader must know.</summary>
    public ulong IncompatibleFeatures { get; init; }

    public byte CompressionType { get; init; }

    /// <summary>Null for what is no qcow2 file of version 2 or 3, with the reason.</summary>
    public static Qcow2Header? TryRead(ReadOnlySpan<byte> bytes, out string problem)
    {
        problem = "no qcow2 header";
        if (bytes.Length < SizeOfVersion2 || BinaryPrimitives.ReadUInt32BigEndian(bytes) != Magic)
            return null;
        var version = BinaryPrimitives.ReadUInt32BigEndian(bytes[4..]);
        if (version is not (2 or 3) || (version == 3 && bytes.Length < Size))
        {
            problem = $"version {version}";
            return null;
        }

        var headerLength = version == 3 ? BinaryPrimitives.ReadUInt32BigEndian(bytes[100..]) : SizeOfVersion2;
        return new Qcow2Header
        {
            Version = version,
            BackingOffset = BinaryPrimitives.ReadUInt64BigEndian(bytes[8..]),
            BackingLength = BinaryPrimitives.ReadUInt32BigEndian(bytes[16..]),
            ClusterBits = BinaryPrimitives.ReadUInt32BigEndian(bytes[20..]),
            VirtualSize = BinaryPrimitives.ReadUInt64BigEndian(bytes[24..]),
            Encryption = BinaryPrimitives.ReadUInt32BigEndian(bytes[32..]),
            L1Entries = BinaryPrimitives.ReadUInt32BigEndian(bytes[36..]),
            L1Offset = BinaryPrimitives.ReadUInt64BigEndian(bytes[40..]),
            RefcountTableOffset = BinaryPrimitives.ReadUInt64BigEndian(bytes[48..]),
            RefcountTableClusters = BinaryPrimitives.ReadUInt32BigEndian(bytes[56..]),

            // Whoever was writing did not close the file: only its counts of references are doubtful, and they are not used here.
            IncompatibleFeatures = version == 3 ? BinaryPrimitives.ReadUInt64BigEndian(bytes[72..]) & ~Dirty : 0,
            CompressionType = headerLength > 104 ? bytes[104] : (byte)0,
        };
    }

    /// <summary>Writes a header of version 3 with 16-bit reference counts and without snapshots.</summary>
    public void Write(Span<byte> bytes)
    {
        bytes[..Size].Clear();
        BinaryPrimitives.WriteUInt32BigEndian(bytes, Magic);
        BinaryPrimitives.WriteUInt32BigEndian(bytes[4..], Version);
        BinaryPrimitives.WriteUInt64BigEndian(bytes[8..], BackingOffset);
        BinaryPrimitives.WriteUInt32BigEndian(bytes[16..], BackingLength);
        BinaryPrimitives.WriteUInt32BigEndian(bytes[20..], ClusterBits);
        BinaryPrimitives.WriteUInt64BigEndian(bytes[24..], VirtualSize);
        BinaryPrimitives.WriteUInt32BigEndian(bytes[36..], L1Entries);
        BinaryPrimitives.WriteUInt64BigEndian(bytes[40..], L1Offset);
        BinaryPrimitives.WriteUInt64BigEndian(bytes[48..], RefcountTableOffset);
        BinaryPrimitives.WriteUInt32BigEndian(bytes[56..], RefcountTableClusters);
        BinaryPrimitives.WriteUInt32BigEndian(bytes[96..], 4);
        BinaryPrimitives.WriteUInt32BigEndian(bytes[100..], Size);
    }
}
