using System.Buffers;
using System.Buffers.Binary;

namespace XapiCompat.Wire.XeCli;

/// <summary>
/// Reads the protocol from a blocking stream, which it does not own. It may read ahead; raw bytes of a blob are to be taken with <see cref="ReadRaw"/>.
/// Memory grows with the bytes that came, not with the lengths that were announced. Not for several threads at once.
/// </summary>
public sealed class XeStreamReader(Stream stream, XeFrameLimits limits)
{
    private byte[] _buffer = new byte[16 * 1024];
    private int _start;
    private int _end;

    /// <summary>Whether <see cref="Read"/> would not have to wait.</summary>
    public bool HasMessage => _end - _start >= sizeof(int) && _end - _start - sizeof(int) >= BinaryPrimitives.ReadInt32LittleEndian(Unread);

    /// <summary>The other side's greeting; null when the stream ends before its first byte.</summary>
    /// <exception cref="XeFrameException">Something else comes, or the stream ends inside the greeting.</exception>
    public XeGreeting? ReadGreeting()
    {
        XeGreeting greeting;
        while (!XeGreeting.TryRead(Unread, out greeting))
        {
            if (!Fill())
                return _start == _end ? null : throw XeFrameDecoder.Truncated();
        }

        _start += XeGreeting.Length;
        return greeting;
    }

    /// <summary>The next message; null when the stream ends between messages.</summary>
    /// <exception cref="XeFrameException">The bytes are no message, more than is accepted, or they end inside one.</exception>
    public XeMessage? Read()
    {
        while (_end - _start < sizeof(int))
        {
            if (!Fill())
                return _start == _end ? null : throw XeFrameDecoder.Truncated();
        }

        var length = BinaryPrimitives.ReadInt32LittleEndian(Unread);
        XeFrameDecoder.CheckLength(length, limits);
        while (_end - _start - sizeof(int) < length)
        {
            if (!Fill())
                throw XeFrameDecoder.Truncated();
        }

        var payload = new ReadOnlySequence<byte>(_buffer, _start + sizeof(int), length);
        _start += sizeof(int) + length;
        return new XePayloadReader(payload, limits).Read();
    }

    /// <summary>Bytes outside of frames, at most as many as fit; 0 at the end of the stream.</summary>
    public int ReadRaw(Span<byte> target)
    {
        if (_start == _end)
            return stream.Read(target);
        var count = Math.Min(target.Length, _end - _start);
        _buffer.AsSpan(_start, count).CopyTo(target);
        _start += count;
        return count;
    }

    private ReadOnlySpan<byte> Unread => _buffer.AsSpan(_start, _end - _start);

    private bool Fill()
    {
        if (_start == _end)
            _start = _end = 0;
        if (_end == _buffer.Length)
        {
            var larger = _start > 0 ? _buffer : new byte[(int)Math.Min(Array.MaxLength, _buffer.Length * 2L)];
            Buffer.BlockCopy(_buffer, _start, larger, 0, _end - _start);
            _end -= _start;
            _start = 0;
            _buffer = larger;
        }

        var count = stream.Read(_buffer, _end, _buffer.Length - _end);
        _end += count;
        return count > 0;
    }
}
