using System.Buffers;
using System.IO.Pipelines;

namespace XapiCompat.Server.Connections;

/// <summary>Decides on as few bytes as possible whether the first request of a connection is one for a raw handler.</summary>
internal sealed class FirstRequestPeek(PipeReader input, RawRequestHandlers handlers)
{
    private const int Waiting = 0;
    private const int Decided = 1;
    private const int GivenUp = 2;

    private int _state;

    public RequestHead? Head { get; private set; }

    public RawRequestHandler? Handler { get; private set; }

    /// <summary>Ends the wait from a timer or at shutdown; without effect once the decision has fallen.</summary>
    public void GiveUp()
    {
        if (Interlocked.CompareExchange(ref _state, GivenUp, Waiting) == Waiting)
            input.CancelPendingRead();
    }

    /// <summary>
    /// True when the connection goes on: the input then stands behind the head when there is a <see cref="Handler"/>,
    /// else it is untouched. False after <see cref="GiveUp"/>.
    /// </summary>
    public async ValueTask<bool> RunAsync()
    {
        while (true)
        {
            var result = await input.ReadAsync();
            var buffer = result.Buffer;
            var undecided = !Decide(buffer, out var headEnd) && !result.IsCompleted && buffer.Length < RequestHeadParser.MaxHeadBytes;
            if (!undecided && Interlocked.CompareExchange(ref _state, Decided, Waiting) == Waiting)
            {
                // Nothing counts as examined, else the next reader waits for bytes that may never come.
                input.AdvanceTo(Handler is null ? buffer.Start : headEnd);
                return true;
            }

            input.AdvanceTo(buffer.Start, buffer.End);
            if (Volatile.Read(ref _state) == GivenUp)
                return false;
        }
    }

    /// <summary>False while more bytes may change the decision.</summary>
    private bool Decide(in ReadOnlySequence<byte> buffer, out SequencePosition headEnd)
    {
        headEnd = buffer.Start;
        if (!MayBecome(buffer, "PUT /"u8) && !MayBecome(buffer, "POST /cli"u8))
            return true;
        var reader = new SequenceReader<byte>(buffer);
        if (!reader.TryReadTo(out ReadOnlySequence<byte> head, "\r\n\r\n"u8))
            return EarlyNo(buffer);
        if (head.Length > RequestHeadParser.MaxHeadBytes)
            return true;
        Head = RequestHeadParser.Parse(head.ToArray());
        Handler = Head is null ? null : handlers.Find(Head);
        headEnd = reader.Position;
        return true;
    }

    /// <summary>Most uploads say in their first line that they are not raw.</summary>
    private bool EarlyNo(in ReadOnlySequence<byte> buffer)
    {
        var reader = new SequenceReader<byte>(buffer);
        if (!reader.TryReadTo(out ReadOnlySequence<byte> line, "\r\n"u8))
            return false;
        var head = line.Length > RequestHeadParser.MaxHeadBytes ? null : RequestHeadParser.Parse(line.ToArray());
        return head is null || handlers.Find(head) is null;
    }

    private static bool MayBecome(in ReadOnlySequence<byte> buffer, ReadOnlySpan<byte> wanted)
    {
        Span<byte> start = stackalloc byte[16];
        var length = (int)Math.Min(buffer.Length, wanted.Length);
        buffer.Slice(0, length).CopyTo(start);
        return wanted[..length].SequenceEqual(start[..length]);
    }
}
