using System.IO.Pipelines;
using System.Runtime.CompilerServices;

namespace XapiCompat.Wire;

/// <summary>Sends an answer in steps, so that a large one is never held whole.</summary>
internal static class AnswerStream
{
    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder))]
    public static async ValueTask WriteAsync(
        WireSyntax syntax, PipeWriter output, Answer answer, Action<long>? knownLength, CancellationToken ct)
    {
        var encoder = ValueEncoder.Rent(syntax);
        try
        {
            encoder.Start(answer);
            var done = encoder.Advance();
            knownLength?.Invoke(done ? encoder.Filled.Length : ValueEncoder.Count(syntax, answer));
            while (true)
            {
                var flushed = await output.WriteAsync(encoder.Filled, ct);
                if (done || flushed.IsCompleted || flushed.IsCanceled)
                    return;
                encoder.Clear();
                done = encoder.Advance();
            }
        }
        finally
        {
            encoder.Return();
        }
    }
}
