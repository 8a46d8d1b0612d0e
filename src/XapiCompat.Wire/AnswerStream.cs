using System.IO.Pipelines;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using XapiCompat.Values;

namespace XapiCompat.Wire;

/// <summary>Sends an answer in steps, so that a large one is never held whole.</summary>
internal static class AnswerStream
{
    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder))]
    public static async ValueTask WriteAsync(
        WireSyntax syntax, PipeWriter output, Answer answer, Action<long>? knownLength, CancellationToken ct)
    {
        if (answer.Value is XenStruct { CachesFragments: true } record)
            syntax.Keep(record);
        var encoder = ValueEncoder.Rent(syntax);
        try
        {
            encoder.Start(answer);
            var done = encoder.Advance();
            knownLength?.Invoke(done ? encoder.Filled.Length : ValueEncoder.Count(syntax, answer));

            // The first write sends the head too; from then on the encoder fills the output's own memory.
            var flushed = await output.WriteAsync(encoder.Filled, ct);
            while (!done && !flushed.IsCompleted && !flushed.IsCanceled)
            {
                if (MemoryMarshal.TryGetArray<byte>(output.GetMemory(ValueEncoder.Capacity), out var buffer))
                {
                    encoder.Use(buffer);
                    done = encoder.Advance();
                    output.Advance(encoder.Filled.Length);
                    flushed = await output.FlushAsync(ct);
                }
                else
                {
                    encoder.Clear();
                    done = encoder.Advance();
                    flushed = await output.WriteAsync(encoder.Filled, ct);
                }
            }
        }
        finally
        {
            encoder.Return();
        }
    }
}
