using Microsoft.Win32.SafeHandles;

namespace XapiCompat.Disks.Raw;

/// <summary>A file as a disk, byte by byte; its holes are the disk's zeroes.</summary>
public sealed class RawFile : IBlockDevice
{
    private const int Piece = 1 << 20;

    /// <summary>Freeing less than this costs more than it saves.</summary>
    private const int SmallestHole = 4096;

    private static readonly byte[] Zeroes = new byte[Piece];
    private readonly SafeFileHandle _file;
    private readonly bool _writable;

    public RawFile(string path, bool writable, FileLayer? files = null)
    {
        files ??= FileLayer.Plain;
        _writable = writable;
        files.Pass(FileCall.Open, path);
        _file = files.Open(path, FileMode.Open, writable ? FileAccess.ReadWrite : FileAccess.Read);
        VirtualSize = RandomAccess.GetLength(_file);
    }

    public long VirtualSize { get; }

    // Synchronous on purpose: nearly every call is served by the page cache, where a hop to another thread costs more.
    public ValueTask ReadAsync(long offset, Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        Check(offset, buffer.Length);
        for (var rest = buffer.Span; rest.Length > 0;)
        {
            var count = RandomAccess.Read(_file, rest, offset);
            if (count == 0)
                throw new EndOfStreamException("The file of the disk has become shorter.");
            rest = rest[count..];
            offset += count;
        }

        return ValueTask.CompletedTask;
    }

    public ValueTask WriteAsync(long offset, ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
    {
        Check(offset, buffer.Length);
        RequireWritable();
        RandomAccess.Write(_file, buffer.Span, offset);
        return ValueTask.CompletedTask;
    }

    public ValueTask ZeroAsync(long offset, long length, CancellationToken cancellationToken = default)
    {
        Check(offset, length);
        RequireWritable();
        if (length >= SmallestHole && SparseFile.TryPunch(_file, offset, length))
            return ValueTask.CompletedTask;
        for (var end = offset + length; offset < end; offset += Piece)
            RandomAccess.Write(_file, Zeroes.AsSpan(0, (int)Math.Min(Piece, end - offset)), offset);
        return ValueTask.CompletedTask;
    }

    public ValueTask FlushAsync(CancellationToken cancellationToken = default) =>
        _writable ? new ValueTask(Task.Run(() => RandomAccess.FlushToDisk(_file), cancellationToken)) : ValueTask.CompletedTask;

    public ValueTask<IReadOnlyList<Extent>> ExtentsAsync(long offset, long length, CancellationToken cancellationToken = default)
    {
        Check(offset, length);
        return ValueTask.FromResult<IReadOnlyList<Extent>>(SparseFile.Extents(_file, offset, length));
    }

    public ValueTask DisposeAsync()
    {
        _file.Dispose();
        return ValueTask.CompletedTask;
    }

    private void RequireWritable()
    {
        if (!_writable)
            throw new InvalidOperationException("The datapath is read-only.");
    }

    private void Check(long offset, long length)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(offset);
        ArgumentOutOfRangeException.ThrowIfNegative(length);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(length, VirtualSize - offset);
    }
}
