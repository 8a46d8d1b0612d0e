namespace XapiCompat.Server.Connections;

/// <summary>
/// Whether the peer has said that it sends nothing more. A hint only: a half-closed client still takes its answer.
/// </summary>
internal interface IInputEndedFeature
{
    /// <summary>Cancelled when the end mark came or the peer is gone.</summary>
    CancellationToken InputEnded { get; }
}
