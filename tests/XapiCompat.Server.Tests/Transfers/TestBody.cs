using System.IO.Pipelines;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using XapiCompat.Disks;
using XapiCompat.Disks.Vhd.Streams;

namespace XapiCompat.Server.Tests.Transfers;

/// <summary>Bytes to upload and the disk that must come of them.</summary>
internal static class TestBody
{
    public const int Block = 2 << 20;

    public static long DiskSize(int dataSize) => Math.Max(Block, (dataSize + (long)Block - 1) / Block * Block);

    /// <summary>Noise without two equal sectors, so that nothing lost, doubled or misplaced goes unseen.</summary>
    public static byte[] Noise(int size, int seed)
    {
        var bytes = new byte[size];
        var words = MemoryMarshal.Cast<byte, ulong>(bytes.AsSpan());
        var state = (ulong)seed * 0x9E3779B97F4A7C15 + 1;
        for (var i = 0; i < words.Length; i++)
        {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            words[i] = state;
        }

        for (var i = words.Length * sizeof(ulong); i < size; i++)
            bytes[i] = (byte)(i * 31 + seed | 1);
        return bytes;
    }

    /// <summary>A VHD of a disk that begins with the data.</summary>
    public static async Task<byte[]> VhdAsync(byte[] data)
    {
        var size = DiskSize(data.Length);
        var device = new MemoryDisk(data, size);
        var extents = data.Length == 0 ? [] : new[] { new Extent(0, data.Length, ExtentKind.Data) };
        var plan = VhdStreamPlan.Full(size, Guid.NewGuid(), extents);
        var stream = new MemoryStream((int)plan.Length);
        await plan.WriteAsync(device, PipeWriter.Create(stream), null, default);
        return stream.ToArray();
    }

    /// <summary>What an upload makes of a disk: raw leaves what is behind it, a VHD replaces whole blocks.</summary>
    public static void Apply(byte[] disk, byte[] data, bool vhd)
    {
        data.CopyTo(disk, 0);
        if (vhd)
            disk.AsSpan(data.Length..((data.Length + Block - 1) / Block * Block)).Clear();
    }

    public static string Hash(byte[] disk) => Convert.ToHexString(SHA256.HashData(disk));

    private sealed class MemoryDisk(byte[] data, long size) : IBlockDevice
    {
        public long VirtualSize => size;

        public ValueTask ReadAsync(long offset, Memory<byte> buffer, CancellationToken cancellationToken = default)
        {
            var inside = (int)Math.Clamp(data.Length - offset, 0, buffer.Length);
            data.AsSpan((int)Math.Min(offset, data.Length), inside).CopyTo(buffer.Span);
            buffer.Span[inside..].Clear();
            return default;
        }

        public ValueTask WriteAsync(long offset, ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default) =>
            throw new NotSupportedException();

        public ValueTask ZeroAsync(long offset, long length, CancellationToken cancellationToken = default) =>
            throw new NotSupportedException();

        public ValueTask FlushAsync(CancellationToken cancellationToken = default) => throw new NotSupportedException();

        public ValueTask<IReadOnlyList<Extent>> ExtentsAsync(long offset, long length, CancellationToken cancellationToken = default) =>
            throw new NotSupportedException();

        public ValueTask DisposeAsync() => default;
    }
}
