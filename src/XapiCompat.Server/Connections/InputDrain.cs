using System.IO.Pipelines;

namespace XapiCompat.Server.Connections;

/// <summary>
/// Reads on after an answer, within bounds: a close with unread input becomes a reset, which overtakes the answer.
/// </summary>
internal sealed class InputDrain(PipeReader input, TimeProvider time)
{
    private static readonly TimeSpan Longest = TimeSpan.FromSeconds(5);
    private const long MostBytes = 1L << 30;

    /// <summary>Bytes dropped so far.</summary>
    public long Dropped { get; private set; }

    /// <summary>Reads to the end of input, a pause longer than <paramref name="quiet"/>, or the bound. Never throws for a peer that is gone.</summary>
    public async ValueTask RunAsync(TimeSpan quiet)
    {
        var started = time.GetTimestamp();
        while (Dropped < MostBytes && time.GetElapsedTime(started) < Longest)
        {
            using var pause = new CancellationTokenSource(quiet, time);
            try
            {
                var result = await input.ReadAsync(pause.Token);
                Dropped += result.Buffer.Length;
                var empty = result.Buffer.IsEmpty;
                input.AdvanceTo(result.Buffer.End);
                if (result.IsCanceled || (result.IsCompleted && empty))
                    return;
            }
            catch (Exception e) when (e is IOException or OperationCanceledException or InvalidOperationException)
            {
                return;
            }
        }
    }
}
