using System.IO.Pipelines;

namespace XapiCompat.Server.Connections;

/// <summary>Reports the first flush that the transport could not send.</summary>
internal sealed class WatchedOutput(PipeWriter inner, Action peerIsGone) : PipeWriter
{
    public override bool CanGetUnflushedBytes => inner.CanGetUnflushedBytes;

    public override long UnflushedBytes => inner.UnflushedBytes;

    public override void Advance(int bytes) => inner.Advance(bytes);

    public override Memory<byte> GetMemory(int sizeHint = 0) => inner.GetMemory(sizeHint);

    public override Span<byte> GetSpan(int sizeHint = 0) => inner.GetSpan(sizeHint);

    public override void CancelPendingFlush() => inner.CancelPendingFlush();

    public override void Complete(Exception? exception = null) => inner.Complete(exception);

    public override ValueTask CompleteAsync(Exception? exception = null) => inner.CompleteAsync(exception);

    public override ValueTask<FlushResult> FlushAsync(CancellationToken cancellationToken = default) =>
        Watch(inner.FlushAsync(cancellationToken));

    public override ValueTask<FlushResult> WriteAsync(ReadOnlyMemory<byte> source, CancellationToken cancellationToken = default) =>
        Watch(inner.WriteAsync(source, cancellationToken));

    private ValueTask<FlushResult> Watch(ValueTask<FlushResult> flush)
    {
        if (!flush.IsCompletedSuccessfully)
            return WatchSlowly(flush);
        var result = flush.Result;
        if (result.IsCompleted)
            peerIsGone();
        return new ValueTask<FlushResult>(result);
    }

    private async ValueTask<FlushResult> WatchSlowly(ValueTask<FlushResult> flush)
    {
        try
        {
            var result = await flush;
            if (result.IsCompleted)
                peerIsGone();
            return result;
        }
        catch (Exception e) when (e is not OperationCanceledException)
        {
            peerIsGone();
            throw;
        }
    }
}
