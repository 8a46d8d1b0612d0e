using System.IO.Pipelines;

namespace XapiCompat.Server.Connections;

/// <summary>Reports the first flush that the transport could not send.</summary>
internal sealed class WatchedOutput(PipeWriter inner, Action peerIsGone) : ForwardingWriter(inner)
{
    public override ValueTask<FlushResult> FlushAsync(CancellationToken cancellationToken = default) =>
        Watch(base.FlushAsync(cancellationToken));

    public override ValueTask<FlushResult> WriteAsync(ReadOnlyMemory<byte> source, CancellationToken cancellationToken = default) =>
        Watch(Inner.WriteAsync(source, cancellationToken));

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
