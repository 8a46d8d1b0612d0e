using XapiCompat.Disks;

namespace XapiCompat.Nbd.Tests.Support;

/// <summary>A disk in memory whose blocks are holes until they are written; it can be told to fail or to wait.</summary>
public sealed class MemoryDevice(int size) : IBlockDevice
{
    public const int Block = 64 << 10;

    private readonly bool[] _stored = new bool[(size + Block - 1) / Block];

    public byte[] Bytes { get; } = new byte[size];

    /// <summary>Asked before each call with its first byte; what it returns is thrown.</summary>
    public Func<long, Exception?> Fault { get; set; } = _ => null;

    /// <summary>Awaited before each read.</summary>
    public Func<long, Task> Pause { get; set; } = _ => Task.CompletedTask;

    public int Flushes { get; private set; }

    public int Disposals { get; private set; }

    public long VirtualSize => size;

    public async ValueTask ReadAsync(long offset, Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        Check(offset, buffer.Length);
        await Pause(offset).WaitAsync(cancellationToken);
        Bytes.AsMemory((int)offset, buffer.Length).CopyTo(buffer);
    }

    public ValueTask WriteAsync(long offset, ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
    {
        Check(offset, buffer.Length);
        buffer.CopyTo(Bytes.AsMemory((int)offset));
        Mark(offset, buffer.Length, true);
        return ValueTask.CompletedTask;
    }

    public ValueTask ZeroAsync(long offset, long length, CancellationToken cancellationToken = default)
    {
        Check(offset, length);
        Bytes.AsSpan((int)offset, (int)length).Clear();
        for (var block = (offset + Block - 1) / Block; (block + 1) * Block <= offset + length; block++)
            _stored[block] = false;
        return ValueTask.CompletedTask;
    }

    public ValueTask FlushAsync(CancellationToken cancellationToken = default)
    {
        Check(0, 0);
        Flushes++;
        return ValueTask.CompletedTask;
    }

    public ValueTask<IReadOnlyList<Extent>> ExtentsAsync(long offset, long length, CancellationToken cancellationToken = default)
    {
        Check(offset, length);
        var extents = new List<Extent>();
        for (long at = offset, end = offset + length; at < end;)
        {
            var kind = _stored[at / Block] ? ExtentKind.Data : ExtentKind.Zero;
            var next = at;
            while (next < end && _stored[next / Block] == (kind == ExtentKind.Data))
                next = Math.Min((next / Block + 1) * Block, end);
            extents.Add(new(at, next - at, kind));
            at = next;
        }

        return new(extents);
    }

    public void Fill(int seed, int offset, int length)
    {
        new Random(seed).NextBytes(Bytes.AsSpan(offset, length));
        Mark(offset, length, true);
    }

    public ValueTask DisposeAsync()
    {
        Disposals++;
        return ValueTask.CompletedTask;
    }

    private void Mark(long offset, int length, bool stored)
    {
        for (var block = offset / Block; block * Block < offset + length; block++)
            _stored[block] = stored;
    }

    private void Check(long offset, long length)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(offset);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(offset, size - length);
        if (Fault(offset) is { } fault)
            throw fault;
    }
}
