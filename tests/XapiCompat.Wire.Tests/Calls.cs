using System.Buffers;
using System.IO.Pipelines;
using System.Text;
using XapiCompat.Values;

namespace XapiCompat.Wire.Tests;

/// <summary>Feeds documents to codecs and collects answers.</summary>
internal static class Calls
{
    public static readonly IRpcCodec Xml = new XmlRpcCodec();
    public static readonly IRpcCodec Json = new JsonRpcCodec();

    /// <summary>As for a client with a valid session.</summary>
    public static RpcReadLimits Limits { get; } = new() { AllowedBytes = (_, _) => 64 << 20 };

    public static Task<RpcRequest> Read(IRpcCodec codec, string document, RpcReadLimits? limits = null) =>
        Read(codec, Encoding.UTF8.GetBytes(document), limits);

    public static async Task<RpcRequest> Read(IRpcCodec codec, byte[] document, RpcReadLimits? limits = null) =>
        await codec.ReadAsync(PipeReader.Create(new ReadOnlySequence<byte>(document)), limits ?? Limits, default);

    /// <summary>Each piece arrives in a read of its own.</summary>
    public static async Task<RpcRequest> ReadPieces(IRpcCodec codec, IEnumerable<ReadOnlyMemory<byte>> pieces)
    {
        var pipe = new Pipe(new PipeOptions(
            readerScheduler: PipeScheduler.Inline, writerScheduler: PipeScheduler.Inline, useSynchronizationContext: false));
        var reading = codec.ReadAsync(pipe.Reader, Limits, default).AsTask();
        foreach (var piece in pieces)
        {
            if (reading.IsCompleted)
                break;
            await pipe.Writer.WriteAsync(piece);
        }

        await pipe.Writer.CompleteAsync();
        return await reading;
    }

    /// <summary>The XML call with one argument, <paramref name="value"/> being the text of its value element.</summary>
    public static string XmlCall(string value) =>
        "<?xml version=\"1.0\"?><methodCall><methodName>VM.start</methodName><params><param>" + value + "</param></params></methodCall>";

    public static string JsonCall(string value) => "{\"jsonrpc\":\"2.0\",\"method\":\"VM.start\",\"params\":[" + value + "],\"id\":0}";

    public static async Task<XenValue> XmlArgument(string value) =>
        (await Read(Xml, XmlCall(value))).Call.Arguments.Single();

    public static async Task<XenValue> JsonArgument(string value) =>
        (await Read(Json, JsonCall(value))).Call.Arguments.Single();

    public static async Task<string> Answer(IRpcCodec codec, RpcRequest request, RpcResult result, Action<long>? knownLength = null)
    {
        var stream = new MemoryStream();
        var writer = PipeWriter.Create(stream);
        await codec.WriteAsync(writer, request, result, default, knownLength);
        return Encoding.UTF8.GetString(stream.ToArray());
    }

    public static RpcRequest Request(RpcProtocol protocol, string id = "") =>
        new(new RpcCall("VM.start", []), protocol, id);
}
