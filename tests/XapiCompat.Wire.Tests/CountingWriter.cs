using System.IO.Pipelines;

namespace XapiCompat.Wire.Tests;

/// <summary>Keeps what is written and how much waited unflushed; can play a client that goes away.</summary>
internal sealed class CountingWriter(long closesAfter = long.MaxValue) : PipeWriter
{
    private readonly MemoryStream _all = new();
    private byte[] _lent = [];

    public long Total => _all.Length;

    public long Unflushed { get; private set; }

    public long MostUnflushed { get; private set; }

    public int LargestRequest { get; private set; }

    public byte[] Bytes => _all.ToArray();

    public override void Advance(int bytes)
    {
        _all.Write(_lent.AsSpan(0, bytes));
        Unflushed += bytes;
        MostUnflushed = Math.Max(MostUnflushed, Unflushed);
    }

    public override Memory<byte> GetMemory(int sizeHint = 0)
    {
        LargestRequest = Math.Max(LargestRequest, sizeHint);
        return _lent = new byte[Math.Max(sizeHint, 4096)];
    }

    public override Span<byte> GetSpan(int sizeHint = 0) => GetMemory(sizeHint).Span;

    public override async ValueTask<FlushResult> FlushAsync(CancellationToken cancellationToken = default)
    {
        await Task.Yield();
        Unflushed = 0;
        return new FlushResult(isCanceled: false, isCompleted: Total >= closesAfter);
    }

    public override void CancelPendingFlush() => throw new NotSupportedException();

    public override void Complete(Exception? exception = null)
    {
    }
}
