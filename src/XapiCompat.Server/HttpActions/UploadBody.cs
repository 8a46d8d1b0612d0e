using System.IO.Pipelines;
using XapiCompat.Server.Connections;

namespace XapiCompat.Server.HttpActions;

/// <summary>
/// The body of an upload, in which the end of the connection's input is a plain end and not an error. Until it is
/// disposed, HTTP does not see that end.
/// </summary>
internal sealed class UploadBody : PipeReader, IDisposable
{
    private readonly PipeReader _inner;
    private readonly HeldEnd? _held;
    private volatile bool _inputEnded;
    private bool _shownEnd;

    public UploadBody(HttpContext context)
    {
        _inner = context.Request.BodyReader;
        _held = context.Features.Get<HeldEnd>();
        _held?.Hold(OnInputEnded);
    }

    public void Dispose() => _held?.Release();

    /// <summary>
    /// Asks a client for its body that waits to be asked. Reading does that, but not once the answer has begun, and some clients
    /// take any other answer than 100 for the last word.
    /// </summary>
    public async ValueTask AskAsync(CancellationToken cancellationToken)
    {
        var read = _inner.ReadAsync(cancellationToken);
        if (!read.IsCompleted)
            _inner.CancelPendingRead();
        _inner.AdvanceTo((await read).Buffer.Start);
    }

    public override async ValueTask<ReadResult> ReadAsync(CancellationToken cancellationToken = default)
    {
        while (!_shownEnd)
        {
            ReadResult result;
            if (!_inputEnded)
                result = await _inner.ReadAsync(cancellationToken);
            else if (!_inner.TryRead(out result))
                break;
            if (!result.IsCanceled)
                return result;

            // What was decoded before the end still counts.
            if (!result.Buffer.IsEmpty)
                return new ReadResult(result.Buffer, isCanceled: false, isCompleted: false);
            _inner.AdvanceTo(result.Buffer.Start);
        }

        _shownEnd = true;
        return new ReadResult(default, isCanceled: false, isCompleted: true);
    }

    public override bool TryRead(out ReadResult result) => throw new NotSupportedException();

    public override void AdvanceTo(SequencePosition consumed) => AdvanceTo(consumed, consumed);

    public override void AdvanceTo(SequencePosition consumed, SequencePosition examined)
    {
        if (!_shownEnd)
            _inner.AdvanceTo(consumed, examined);
    }

    public override void CancelPendingRead() => _inner.CancelPendingRead();

    public override void Complete(Exception? exception = null)
    {
    }

    private void OnInputEnded()
    {
        _inputEnded = true;
        _inner.CancelPendingRead();
    }
}
