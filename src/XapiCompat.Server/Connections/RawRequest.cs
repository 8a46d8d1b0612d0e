using System.IO.Pipelines;
using Microsoft.AspNetCore.Connections;

namespace XapiCompat.Server.Connections;

/// <summary>
/// A connection that leaves HTTP after its first head. The handler reads and writes the pipes, completes neither, and
/// returns with no input unread: the layer then sends what was written and closes.
/// </summary>
/// <param name="Connection">Its pipes are decrypted; the input stands behind the head.</param>
/// <param name="Stopping">The server shuts down.</param>
internal sealed record RawRequest(ConnectionContext Connection, RequestHead Head, CancellationToken Stopping)
{
    public PipeReader Input => Connection.Transport.Input;

    public PipeWriter Output => Connection.Transport.Output;

    /// <summary>The peer is gone for good.</summary>
    public CancellationToken Gone => Connection.ConnectionClosed;
}
