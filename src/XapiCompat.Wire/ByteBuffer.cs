using System.Buffers;

namespace XapiCompat.Wire;

/// <summary>A growing byte buffer on pooled arrays.</summary>
internal sealed class ByteBuffer
{
    private byte[] _bytes = new byte[256];

    public int Length { get; private set; }

    public ReadOnlySpan<byte> Span => _bytes.AsSpan(0, Length);

    public void Clear() => Length = 0;

    public void Append(ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length > _bytes.Length - Length)
            Grow(bytes.Length);
        bytes.CopyTo(_bytes.AsSpan(Length));
        Length += bytes.Length;
    }

    public void Append(byte value)
    {
        if (Length == _bytes.Length)
            Grow(1);
        _bytes[Length++] = value;
    }

    /// <summary>Gives a large array back, so that a pooled owner stays small.</summary>
    public void Shrink()
    {
        Length = 0;
        if (_bytes.Length <= 4096)
            return;
        ArrayPool<byte>.Shared.Return(_bytes);
        _bytes = new byte[256];
    }

    private void Grow(int more)
    {
        var larger = ArrayPool<byte>.Shared.Rent(Math.Max(Length + more, (int)Math.Min(Array.MaxLength, _bytes.Length * 2L)));
        _bytes.AsSpan(0, Length).CopyTo(larger);
        if (_bytes.Length > 4096)
            ArrayPool<byte>.Shared.Return(_bytes);
        _bytes = larger;
    }
}
