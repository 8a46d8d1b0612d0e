using System.IO.Pipelines;
using Microsoft.AspNetCore.Connections;

namespace XapiCompat.Server.Connections.Uploads;

/// <summary>Tells of a peer that is gone as the transport does: by a flush that says that nobody reads on, never by an exception.</summary>
internal sealed class DirectOutput(PipeWriter inner) : ForwardingWriter(inner)
{
    private bool _gone;

    public override void Complete(Exception? exception = null) => base.Complete(_gone ? new IOException("The peer is gone.") : exception);

    public override async ValueTask CompleteAsync(Exception? exception = null)
    {
        try
        {
            // With an exception nothing more is sent.
            await base.CompleteAsync(_gone ? new IOException("The peer is gone.") : exception);
        }
        catch (Exception e) when (e is IOException or ConnectionAbortedException)
        {
            _gone = true;
        }
    }

    public override async ValueTask<FlushResult> FlushAsync(CancellationToken cancellationToken = default)
    {
        if (_gone)
            return new(isCanceled: false, isCompleted: true);
        try
        {
            return await base.FlushAsync(cancellationToken);
        }
        catch (Exception e) when (e is IOException or ConnectionAbortedException)
        {
            _gone = true;
            return new(isCanceled: false, isCompleted: true);
        }
    }
}
