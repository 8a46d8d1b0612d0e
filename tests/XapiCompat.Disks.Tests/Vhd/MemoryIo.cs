using XapiCompat.Disks.Vhd;

namespace XapiCompat.Disks.Tests.Vhd;

/// <summary>A file in memory that keeps a record of everything done to it.</summary>
internal sealed class MemoryIo(byte[] initial) : VhdIo
{
    private byte[] _bytes = [.. initial];
    private int _length = initial.Length;

    /// <summary>Writes in their order; a length without data is a change of the file's length.</summary>
    public List<(long Offset, byte[]? Data)> Steps { get; } = [];

    public override long Length
    {
        get => _length;
        set
        {
            Steps.Add((value, null));
            Resize((int)value);
        }
    }

    public byte[] ToArray() => _bytes[.._length];

    public override void Read(long offset, Span<byte> buffer)
    {
        if (offset + buffer.Length > _length)
            throw new EndOfStreamException();
        _bytes.AsSpan((int)offset, buffer.Length).CopyTo(buffer);
    }

    public override void Write(long offset, ReadOnlyMemory<byte> data) => Store(offset, data.ToArray());

    public override void Write(long offset, IReadOnlyList<ReadOnlyMemory<byte>> data) =>
        Store(offset, data.SelectMany(part => part.ToArray()).ToArray());

    public override void Flush()
    {
    }

    protected override void Dispose(bool disposing)
    {
    }

    /// <summary>Does a recorded step, or the first bytes of it.</summary>
    public void Replay((long Offset, byte[]? Data) step, int bytes = int.MaxValue)
    {
        if (step.Data is null)
            Resize((int)step.Offset);
        else
            Store(step.Offset, step.Data[..Math.Min(bytes, step.Data.Length)]);
    }

    private void Store(long offset, byte[] data)
    {
        Steps.Add((offset, data));
        if (data.Length == 0)
            return;
        if (offset + data.Length > _length)
            Resize((int)offset + data.Length);
        data.CopyTo(_bytes, (int)offset);
    }

    private void Resize(int length)
    {
        if (length > _bytes.Length)
            Array.Resize(ref _bytes, Math.Max(length, _bytes.Length * 2));
        if (length < _length)
            _bytes.AsSpan(length, _length - length).Clear();
        _length = length;
    }
}
