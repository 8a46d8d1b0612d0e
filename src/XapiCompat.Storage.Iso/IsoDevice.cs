using Microsoft.Win32.SafeHandles;
using XapiCompat.Disks;

namespace XapiCompat.Storage.Iso;

/// <summary>A file as a disk, byte by byte.</summary>
internal sealed class IsoDevice : IBlockDevice
{
    private const int Piece = 1 << 20;
    private static readonly byte[] Zeroes = new byte[Piece];
    private readonly SafeFileHandle _file;
    private readonly bool _writable;

    public IsoDevice(string path, DatapathMode mode)
    {
        _writable = mode == DatapathMode.ReadWrite;
        _file = File.OpenHandle(path, FileMode.Open, _writable ? FileAccess.ReadWrite : FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
        VirtualSize = RandomAccess.GetLength(_file);
    }

    public long VirtualSize { get; }

    public async ValueTask ReadAsync(long offset, Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        Check(offset, buffer.Length);
        while (buffer.Length > 0)
        {
            var count = await RandomAccess.ReadAsync(_file, buffer, offset, cancellationToken);
            if (count == 0)
                throw new EndOfStreamException("the image has become shorter");
            buffer = buffer[count..];
            offset += count;
        }
    }

    public ValueTask WriteAsync(long offset, ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
    {
        Check(offset, buffer.Length);
        RequireWritable();
        return RandomAccess.WriteAsync(_file, buffer, offset, cancellationToken);
    }

    public async ValueTask ZeroAsync(long offset, long length, CancellationToken cancellationToken = default)
    {
        Check(offset, length);
        RequireWritable();
        for (var end = offset + length; offset < end; offset += Piece)
            await RandomAccess.WriteAsync(_file, Zeroes.AsMemory(0, (int)Math.Min(Piece, end - offset)), offset, cancellationToken);
    }

    public ValueTask FlushAsync(CancellationToken cancellationToken = default)
    {
        if (_writable)
            RandomAccess.FlushToDisk(_file);
        return ValueTask.CompletedTask;
    }

    public ValueTask<IReadOnlyList<Extent>> ExtentsAsync(long offset, long length, CancellationToken cancellationToken = default)
    {
        Check(offset, length);
        return ValueTask.FromResult<IReadOnlyList<Extent>>(length == 0 ? [] : [new Extent(offset, length, ExtentKind.Data)]);
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
