using Microsoft.Win32.SafeHandles;
using XapiCompat.Disks;

namespace XapiCompat.Storage.Tests.RawFiles;

internal sealed class RawFileDevice : IBlockDevice
{
    private readonly RawVolume _volume;
    private readonly SafeFileHandle _file;
    private readonly bool _writable;

    public RawFileDevice(RawVolume volume, DatapathMode mode)
    {
        _volume = volume;
        _writable = mode == DatapathMode.ReadWrite;
        _file = File.OpenHandle(
            volume.DataPath, FileMode.Open, _writable ? FileAccess.ReadWrite : FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
        VirtualSize = RandomAccess.GetLength(_file);
    }

    public long VirtualSize { get; }

    public ValueTask ReadAsync(long offset, Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        Check(offset, buffer.Length);
        var done = 0;
        while (done < buffer.Length)
        {
            var count = RandomAccess.Read(_file, buffer.Span[done..], offset + done);
            if (count == 0)
                throw new EndOfStreamException();
            done += count;
        }

        return ValueTask.CompletedTask;
    }

    public ValueTask WriteAsync(long offset, ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
    {
        Check(offset, buffer.Length);
        BeforeWrite();
        RandomAccess.Write(_file, buffer.Span, offset);
        return ValueTask.CompletedTask;
    }

    public ValueTask ZeroAsync(long offset, long length, CancellationToken cancellationToken = default)
    {
        Check(offset, length);
        BeforeWrite();
        RandomAccess.Write(_file, new byte[length], offset);
        return ValueTask.CompletedTask;
    }

    public ValueTask FlushAsync(CancellationToken cancellationToken = default)
    {
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

    private void BeforeWrite()
    {
        if (!_writable)
            throw new InvalidOperationException("The datapath is read-only.");
        lock (_volume)
        {
            if (!_volume.Observed)
                return;
            _volume.Observed = false;
            _volume.DataId = Guid.NewGuid();
            _volume.Save();
        }
    }

    private void Check(long offset, long length)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(offset);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(length, VirtualSize - offset);
    }
}
