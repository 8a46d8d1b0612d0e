using System.Buffers;
using System.IO.Pipelines;
using System.Runtime.CompilerServices;
using XapiCompat.Values;

namespace XapiCompat.Wire;

/// <summary>XML-RPC as XenAPI clients speak it.</summary>
public sealed class XmlRpcCodec : IRpcCodec
{
    /// <summary>Limits are looked at after every step of this many bytes, however much arrived at once.</summary>
    private const int Step = 64 * 1024;

    public string ContentType => "text/xml";

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    public async ValueTask<RpcRequest> ReadAsync(PipeReader input, RpcReadLimits limits, CancellationToken ct)
    {
        var parser = XmlCallParser.Rent(limits);
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
        AnswerStream.WriteAsync(XmlSyntax.Instance, output, XmlRpcWriter.Answer(result, request.BareAnswer), knownLength, ct);

    private readonly struct Feeder(XmlCallParser parser) : ICallFeeder
    {
        public long Feed(in ReadOnlySequence<byte> unread, long total, bool isCompleted)
        {
            foreach (var segment in unread)
                total = Feed(segment.Span, total);
            return unread.Length;
        }

        public RpcRequest Finish() => parser.FinishCall();

        private long Feed(ReadOnlySpan<byte> bytes, long total)
        {
            while (bytes.Length > 0)
            {
                var step = (int)Math.Min(Math.Min(bytes.Length, Step), parser.AllowedBytes - total);
                if (step > 0)
                    parser.Feed(bytes[..step]);
                total += step;
                if (step <= 0 || total > parser.AllowedBytes)
                    throw new RpcReadException(RpcReadError.TooLarge, $"More than {parser.AllowedBytes} bytes.");
                bytes = bytes[step..];
            }

            return total;
        }
    }
}
