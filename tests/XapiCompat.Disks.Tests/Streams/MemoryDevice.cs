namespace XapiCompat.Disks.Tests.Streams;

/// <summary>A sparse disk in memory; anything outside it is refused before it is touched.</summary>
internal sealed class MemoryDevice(long virtualSize) : IBlockDevice
{
    private const int PageSize = 4096;
    private readonly SortedDictionary<long, byte[]> _pages = [];

    public long VirtualSize { get; } = virtualSize;

    public int Reads { get; private set; }

    public int Writes { get; private set; }

    public int Zeroings { get; private set; }

    public int StoredPages => _pages.Count;

    public static MemoryDevice Filled(byte[] content)
    {
        var device = new MemoryDevice(content.Length);
        device.Write(0, content);
        return device;
    }

    public void Write(long offset, ReadOnlySpan<byte> bytes)
    {
        Check(offset, bytes.Length);
        while (!bytes.IsEmpty)
        {
            var start = (int)(offset % PageSize);
            var count = Math.Min(bytes.Length, PageSize - start);
            if (!_pages.TryGetValue(offset / PageSize, out var page))
                _pages[offset / PageSize] = page = new byte[PageSize];
            bytes[..count].CopyTo(page.AsSpan(start));
            bytes = bytes[count..];
            offset += count;
        }
    }

    public void Fill(long offset, long length, byte value)
    {
        var bytes = new byte[length];
        bytes.AsSpan().Fill(value);
        Write(offset, bytes);
    }

    public byte[] Content(long offset, int length)
    {
        var bytes = new byte[length];
        Read(offset, bytes);
        return bytes;
    }

    public byte[] Content() => Content(0, checked((int)VirtualSize));

    public ValueTask ReadAsync(long offset, Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        Reads++;
        Read(offset, buffer.Span);
        return default;
    }

    public ValueTask WriteAsync(long offset, ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
    {
        Writes++;
        Write(offset, buffer.Span);
        return default;
    }

    public ValueTask ZeroAsync(long offset, long length, CancellationToken cancellationToken = default)
    {
        Zeroings++;
        Check(offset, length);
        for (var end = offset + length; offset < end;)
        {
            var start = (int)(offset % PageSize);
            var count = (int)Math.Min(end - offset, PageSize - start);
            if (count == PageSize)
                _pages.Remove(offset / PageSize);
            else if (_pages.TryGetValue(offset / PageSize, out var page))
                page.AsSpan(start, count).Clear();
            offset += count;
        }

        return default;
    }

    public ValueTask FlushAsync(CancellationToken cancellationToken = default) => throw new NotSupportedException("the caller's business");

    public ValueTask<IReadOnlyList<Extent>> ExtentsAsync(long offset, long length, CancellationToken cancellationToken = default)
    {
        Check(offset, length);
        var extents = new List<Extent>();
        var position = offset;
        var end = offset + length;
        foreach (var page in _pages.Keys)
        {
            var start = Math.Max(page * PageSize, offset);
            var stop = Math.Min((page + 1) * PageSize, end);
            if (stop <= start)
                continue;
            if (start > position)
                extents.Add(new Extent(position, start - position, ExtentKind.Zero));
            if (start == position && extents.Count > 0)
                extents[^1] = extents[^1] with { Length = stop - extents[^1].Offset };
            else
                extents.Add(new Extent(start, stop - start, ExtentKind.Data));
            position = stop;
        }

        if (position < end)
            extents.Add(new Extent(position, end - position, ExtentKind.Zero));
        return new(extents);
    }

    public ValueTask DisposeAsync() => default;

    private void Read(long offset, Span<byte> buffer)
    {
        Check(offset, buffer.Length);
        buffer.Clear();
        while (!buffer.IsEmpty)
        {
            var start = (int)(offset % PageSize);
            var count = Math.Min(buffer.Length, PageSize - start);
            if (_pages.TryGetValue(offset / PageSize, out var page))
                page.AsSpan(start, count).CopyTo(buffer);
            buffer = buffer[count..];
            offset += count;
        }
    }

    private void Check(long offset, long length)
    {
        if (offset < 0 || length < 0 || offset > VirtualSize || length > VirtualSize - offset)
            throw new ArgumentOutOfRangeException(nameof(offset), $"{offset}+{length} of {VirtualSize}");
    }
}
