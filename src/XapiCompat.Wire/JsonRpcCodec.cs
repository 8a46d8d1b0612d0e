using System.IO.Pipelines;
using System.Runtime.CompilerServices;
using XapiCompat.Values;

namespace XapiCompat.Wire;

/// <summary>JSON-RPC 1.0 and 2.0 as XenAPI clients speak them: single calls with an id.</summary>
public sealed class JsonRpcCodec : IRpcCodec
{
    public string ContentType => "application/json";

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    public async ValueTask<RpcRequest> ReadAsync(PipeReader input, RpcReadLimits limits, CancellationToken ct)
    {
        var parser = JsonCallParser.Rent(limits);
        try
        {
            var total = 0L;
            var wanted = 0L;
            while (true)
            {
                var read = await input.ReadAsync(ct);
                var buffer = read.Buffer;
                var next = buffer.End;
                try
                {
                    // A token is scanned again from its start when it was cut. Waiting for twice the bytes keeps that linear.
                    if (buffer.Length >= wanted || read.IsCompleted || total + buffer.Length > parser.AllowedBytes)
                    {
                        var taken = Feed(parser, buffer, total, read.IsCompleted);
                        total += taken;
                        wanted = 2 * (buffer.Length - taken);
                        next = buffer.GetPosition(taken);
                    }
                    else
                    {
                        next = buffer.Start;
                    }
                }
                finally
                {
                    input.AdvanceTo(next, buffer.End);
                }

                if (read.IsCanceled)
                    throw new OperationCanceledException();
                if (read.IsCompleted)
                    return parser.Finish();
            }
        }
        finally
        {
            parser.Return();
        }
    }

    public ValueTask WriteAsync(
        PipeWriter output, RpcRequest request, RpcResult result, CancellationToken ct, Action<long>? knownLength = null) =>
        AnswerStream.WriteAsync(JsonSyntax.Instance, output, JsonRpcWriter.Answer(request, result), knownLength, ct);

    private static long Feed(JsonCallParser parser, System.Buffers.ReadOnlySequence<byte> buffer, long total, bool isCompleted)
    {
        var taken = 0L;
        while (true)
        {
            var allowed = parser.AllowedBytes;
            var rest = buffer.Slice(taken);
            var fits = total + buffer.Length <= allowed;
            if (!fits)
                rest = rest.Slice(0, Math.Max(0, allowed - total - taken));
            var isFinal = fits && isCompleted;
            var step = parser.Feed(rest, isFinal);
            taken += step;
            if (total + taken > parser.AllowedBytes || (!fits && parser.AllowedBytes <= allowed))
                throw new RpcReadException(RpcReadError.TooLarge, $"More than {parser.AllowedBytes} bytes.");
            if (fits)
                return taken;
        }
    }
}
