using System.Buffers;
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
            return await CallBody.ReadAsync(input, new Feeder(parser), ct);
        }
        finally
        {
            parser.Return();
        }
    }

    public ValueTask WriteAsync(
        PipeWriter output, RpcRequest request, RpcResult result, CancellationToken ct, Action<long>? knownLength = null) =>
        AnswerStream.WriteAsync(JsonSyntax.Instance, output, JsonRpcWriter.Answer(request, result), knownLength, ct);

    private struct Feeder(JsonCallParser parser) : ICallFeeder
    {
        private long _wanted;

        public long Feed(in ReadOnlySequence<byte> unread, long total, bool isCompleted)
        {
            // A token is scanned again from its start when it was cut. Waiting for twice the bytes keeps that linear.
            if (unread.Length < _wanted && !isCompleted && total + unread.Length <= parser.AllowedBytes)
                return 0;
            var taken = Take(unread, total, isCompleted);
            _wanted = 2 * (unread.Length - taken);
            return taken;
        }

        public readonly RpcRequest Finish() => parser.Finish();

        private readonly long Take(in ReadOnlySequence<byte> buffer, long total, bool isCompleted)
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
}
