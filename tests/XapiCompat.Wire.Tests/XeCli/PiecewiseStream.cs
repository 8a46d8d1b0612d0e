namespace XapiCompat.Wire.Tests.XeCli;

/// <summary>Gives few bytes at a time, as a network may.</summary>
internal sealed class PiecewiseStream(byte[] bytes, int most) : MemoryStream(bytes)
{
    public override int Read(byte[] buffer, int offset, int count) => base.Read(buffer, offset, Math.Min(count, most));

    public override int Read(Span<byte> buffer) => base.Read(buffer[..Math.Min(buffer.Length, most)]);
}
