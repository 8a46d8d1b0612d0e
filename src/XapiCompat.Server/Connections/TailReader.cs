using System.Buffers;
using System.IO.Pipelines;

namespace XapiCompat.Server.Connections;

/// <summary>
/// Shows the end of input only after the last bytes. The transport may deliver both in one result, and the HTTP layer
/// looks at the end mark first and drops the bytes: the tail of every upload whose client closes at once.
/// </summary>
internal sealed class TailReader(PipeReader inner, HeldEnd held) : PipeReader
{
    private ReadOnlySequence<byte> _shown;
    private bool _shownCompleted;
    private long _stuckAt = -1;

    public override async ValueTask<ReadResult> ReadAsync(CancellationToken cancellationToken = default)
    {
        var result = Show(await inner.ReadAsync(cancellationToken));
        return result.IsCompleted && await held.WaitAsync()
            ? new ReadResult(result.Buffer, isCanceled: true, isCompleted: false)
            : result;
    }

    public override bool TryRead(out ReadResult result)
    {
        if (!inner.TryRead(out result))
            return false;
        result = Show(result);
        if (!result.IsCompleted || !held.IsHeld)
            return true;
        AdvanceTo(result.Buffer.Start);
        result = default;
        return false;
    }

    public override void AdvanceTo(SequencePosition consumed) => AdvanceTo(consumed, consumed);

    public override void AdvanceTo(SequencePosition consumed, SequencePosition examined)
    {
        // A consumer that has looked at everything and leaves a rest needs more than will ever come.
        _stuckAt = _shownCompleted && _shown.Slice(examined).IsEmpty ? _shown.Slice(consumed).Length : -1;
        _shown = default;
        inner.AdvanceTo(consumed, examined);
    }

    public override void CancelPendingRead()
    {
        if (!held.Cancel())
            inner.CancelPendingRead();
    }

    public override void Complete(Exception? exception = null) => inner.Complete(exception);

    public override ValueTask CompleteAsync(Exception? exception = null) => inner.CompleteAsync(exception);

    private ReadResult Show(ReadResult result)
    {
        _shown = result.Buffer;
        _shownCompleted = result.IsCompleted;

        // Without the comparison a request cut in its head would be read again and again, at full speed.
        return result.IsCompleted && !result.Buffer.IsEmpty && result.Buffer.Length != _stuckAt
            ? new ReadResult(result.Buffer, result.IsCanceled, isCompleted: false)
            : result;
    }
}
