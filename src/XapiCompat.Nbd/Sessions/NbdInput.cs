namespace XapiCompat.Nbd.Sessions;

/// <summary>What a client sends, read exactly. Small messages come out of one buffer; large data goes where it is wanted.</summary>
internal sealed class NbdInput(Stream stream)
{
    private readonly byte[] _buffer = new byte[4096];
    private int _start;
    private int _end;

    /// <summary>Bytes that have been received and not read yet.</summary>
    public int Buffered => _end - _start;

    /// <summary>Fills the destination; false when the client ended before its first byte.</summary>
    public async ValueTask<bool> TryFillAsync(Memory<byte> destination, CancellationToken cancellationToken)
    {
        var done = 0;
        while (done < destination.Length)
        {
            if (Buffered > 0)
            {
                var count = Math.Min(Buffered, destination.Length - done);
                _buffer.AsSpan(_start, count).CopyTo(destination.Span[done..]);
                _start += count;
                done += count;
                continue;
            }

            var direct = destination.Length - done >= _buffer.Length;
            var received = await stream.ReadAsync(direct ? destination[done..] : _buffer, cancellationToken);
            if (received == 0)
                return done == 0 ? false : throw new EndOfStreamException();
            if (direct)
                done += received;
            else
                (_start, _end) = (0, received);
        }

        return true;
    }

    public async ValueTask FillAsync(Memory<byte> destination, CancellationToken cancellationToken)
    {
        if (!await TryFillAsync(destination, cancellationToken))
            throw new EndOfStreamException();
    }

    public async ValueTask SkipAsync(long count, CancellationToken cancellationToken)
    {
        while (count > 0)
        {
            if (Buffered == 0)
            {
                var received = await stream.ReadAsync(_buffer, cancellationToken);
                if (received == 0)
                    throw new EndOfStreamException();
                (_start, _end) = (0, received);
            }

            var step = (int)Math.Min(count, Buffered);
            _start += step;
            count -= step;
        }
    }
}
