using System.Buffers;
using System.IO.Pipelines;
using System.Text;

namespace XapiCompat.Wire.Tests;

/// <summary>
/// A document of any length that is never held: a head, then one text again and again, then a tail. Counts what the codec took and held.
/// </summary>
internal sealed class EndlessReader(string head, string repeated, long times, string tail, int pieceLength = 16 * 1024) : PipeReader
{
    private readonly byte[] _head = Encoding.UTF8.GetBytes(head);
    private readonly byte[] _repeated = Encoding.UTF8.GetBytes(repeated);
    private readonly byte[] _tail = Encoding.UTF8.GetBytes(tail);
    private ReadOnlyMemory<byte> _held;

    public long Length => _head.Length + (times * _repeated.Length) + _tail.Length;

    /// <summary>Bytes handed out so far.</summary>
    public long Given { get; private set; }

    /// <summary>The most that waited here because the codec did not take it.</summary>
    public int MostHeld { get; private set; }

    public override ValueTask<ReadResult> ReadAsync(CancellationToken cancellationToken = default)
    {
        var piece = (int)Math.Min(pieceLength, Length - Given);
        var bytes = new byte[_held.Length + piece];
        _held.CopyTo(bytes);
        for (var i = 0; i < piece; i++)
            bytes[_held.Length + i] = At(Given + i);
        Given += piece;
        _held = bytes;
        MostHeld = Math.Max(MostHeld, bytes.Length);
        return new(new ReadResult(new ReadOnlySequence<byte>(_held), isCanceled: false, isCompleted: Given == Length));
    }

    public override void AdvanceTo(SequencePosition consumed) => AdvanceTo(consumed, consumed);

    public override void AdvanceTo(SequencePosition consumed, SequencePosition examined) =>
        _held = _held[(int)new ReadOnlySequence<byte>(_held).Slice(0, consumed).Length..];

    public override void CancelPendingRead() => throw new NotSupportedException();

    public override void Complete(Exception? exception = null)
    {
    }

    public override bool TryRead(out ReadResult result) => throw new NotSupportedException();

    private byte At(long position)
    {
        if (position < _head.Length)
            return _head[position];
        position -= _head.Length;
        return position < times * _repeated.Length ? _repeated[position % _repeated.Length] : _tail[position - (times * _repeated.Length)];
    }
}
