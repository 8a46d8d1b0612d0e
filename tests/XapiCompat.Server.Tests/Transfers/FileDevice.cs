using System.Security.Cryptography;
using Microsoft.Win32.SafeHandles;
using XapiCompat.Disks;

namespace XapiCompat.Server.Tests.Transfers;

/// <summary>A sparse file as a disk; whole 2 MiB blocks count as data once something was written there.</summary>
internal sealed class FileDevice : IBlockDevice
{
    private const int Block = 2 << 20;

    private readonly SafeFileHandle _file;
    private readonly bool[] _written;

    public FileDevice(string path, long size)
    {
        _file = File.OpenHandle(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.ReadWrite);
        RandomAccess.SetLength(_file, size);
        VirtualSize = size;
        _written = new bool[(size + Block - 1) / Block];
    }

    public long VirtualSize { get; }

    public int Flushes { get; private set; }

    /// <summary>Thrown by the next write.</summary>
    public Exception? Breaks { get; set; }

    /// <summary>Reads that reach this position fail.</summary>
    public long BreaksAt { get; set; } = long.MaxValue;

    public ValueTask ReadAsync(long offset, Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        Check(offset, buffer.Length);
        if (offset + buffer.Length > BreaksAt)
            throw new IOException("broken");
        if (RandomAccess.Read(_file, buffer.Span, offset) != buffer.Length)
            throw new EndOfStreamException();
        return default;
    }

    public ValueTask WriteAsync(long offset, ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
    {
        Check(offset, buffer.Length);
        if (Breaks is { } error)
            throw error;
        for (var block = offset / Block; block * Block < offset + buffer.Length; block++)
            _written[block] = true;
        RandomAccess.Write(_file, buffer.Span, offset);
        return default;
    }

    public async ValueTask ZeroAsync(long offset, long length, CancellationToken cancellationToken = default)
    {
        Check(offset, length);
        var zeroes = new byte[(int)Math.Min(length, Block)];
        for (var end = offset + length; offset < end; offset += zeroes.Length)
            await WriteAsync(offset, zeroes.AsMemory(0, (int)Math.Min(zeroes.Length, end - offset)), cancellationToken);
    }

    public ValueTask FlushAsync(CancellationToken cancellationToken = default)
    {
        Flushes++;
        return default;
    }

    public ValueTask<IReadOnlyList<Extent>> ExtentsAsync(long offset, long length, CancellationToken cancellationToken = default)
    {
        var extents = new List<Extent>();
        for (var position = offset; position < offset + length;)
        {
            var kind = _written[position / Block] ? ExtentKind.Data : ExtentKind.Zero;
            var end = Math.Min(offset + length, (position / Block + 1) * Block);
            if (extents.Count > 0 && extents[^1].Kind == kind)
                extents[^1] = extents[^1] with { Length = end - extents[^1].Offset };
            else
                extents.Add(new Extent(position, end - position, kind));
            position = end;
        }

        return new ValueTask<IReadOnlyList<Extent>>(extents);
    }

    public string Hash()
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        var buffer = new byte[1 << 20];
        for (long offset = 0; offset < VirtualSize; offset += buffer.Length)
        {
            var piece = buffer.AsSpan(0, (int)Math.Min(buffer.Length, VirtualSize - offset));
            if (RandomAccess.Read(_file, piece, offset) != piece.Length)
                throw new EndOfStreamException();
            hash.AppendData(piece);
        }

        return Convert.ToHexString(hash.GetHashAndReset());
    }

    public ValueTask DisposeAsync()
    {
        _file.Dispose();
        return default;
    }

    private void Check(long offset, long length)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(offset);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(length, VirtualSize - offset, nameof(offset));
    }
}
