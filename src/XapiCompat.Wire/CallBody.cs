using System.Buffers;
using System.IO.Pipelines;
using System.Runtime.CompilerServices;

namespace XapiCompat.Wire;

/// <summary>Takes the bytes of one call as they come.</summary>
internal interface ICallFeeder
{
    /// <summary>Takes what it can and returns how much that was; the rest comes again with what follows it.</summary>
    /// <param name="total">Bytes taken before.</param>
    /// <param name="isCompleted">Nothing follows.</param>
    long Feed(in ReadOnlySequence<byte> unread, long total, bool isCompleted);

    /// <summary>The call, once all has come.</summary>
    RpcRequest Finish();
}

/// <summary>Reads a body to its end into a parser, whatever the pieces it comes in.</summary>
internal static class CallBody
{
    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    public static async ValueTask<RpcRequest> ReadAsync<T>(PipeReader input, T feeder, CancellationToken ct)
        where T : struct, ICallFeeder
    {
        var total = 0L;
        while (true)
        {
            var read = await input.ReadAsync(ct);
            var buffer = read.Buffer;
            var next = buffer.End;
            try
            {
                var taken = feeder.Feed(buffer, total, read.IsCompleted);
                total += taken;
                next = buffer.GetPosition(taken);
            }
            finally
            {
                input.AdvanceTo(next, buffer.End);
            }

            if (read.IsCanceled)
                throw new OperationCanceledException();
            if (read.IsCompleted)
                return feeder.Finish();
        }
    }
}
