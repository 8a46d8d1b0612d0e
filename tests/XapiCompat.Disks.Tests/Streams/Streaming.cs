using System.Buffers;
using System.IO.Pipelines;
using XapiCompat.Disks.Streams;
using XapiCompat.Disks.Vhd.Streams;

namespace XapiCompat.Disks.Tests.Streams;

/// <summary>Short ways through encoders and decoders.</summary>
internal static class Streaming
{
    public const int Block = 2 * 1024 * 1024;

    public static bool AllAre(this byte[] bytes, byte value) => !bytes.AsSpan().ContainsAnyExcept(value);

    public static async Task<VhdStreamPlan> FullPlanAsync(IBlockDevice device, Guid id = default) =>
        VhdStreamPlan.Full(device.VirtualSize, id, await device.ExtentsAsync(0, device.VirtualSize));

    public static async Task<byte[]> BytesAsync(IStreamPlan plan, IBlockDevice device)
    {
        var bytes = new byte[plan.Length];
        var stream = new MemoryStream(bytes);
        var outcome = await plan.WriteAsync(device, PipeWriter.Create(stream), null, default);
        return outcome == StreamOutcome.Complete && stream.Position == bytes.Length
            ? bytes
            : throw new InvalidOperationException($"{outcome}, {stream.Position} of {bytes.Length}");
    }

    public static async Task SaveAsync(IStreamPlan plan, IBlockDevice device, string path)
    {
        await using var file = File.Create(path);
        var outcome = await plan.WriteAsync(device, PipeWriter.Create(file), null, default);
        if (outcome != StreamOutcome.Complete || file.Length != plan.Length)
            throw new InvalidOperationException($"{outcome}, {file.Length} of {plan.Length}");
    }

    public static Task<DecodeResult> VhdAsync(byte[] stream, IBlockDevice target, bool knownLength = false) =>
        RunAsync(new VhdStreamDecoder(), stream, target, knownLength ? stream.Length : null);

    public static async Task<DecodeResult> RunAsync(IStreamDecoder decoder, ReadOnlyMemory<byte> stream, IBlockDevice target, long? contentLength) =>
        await decoder.RunAsync(PipeReader.Create(new ReadOnlySequence<byte>(stream)), target, contentLength, null, default);

    /// <summary>Feeds the stream in pieces whose sizes the caller gives, so that reads end anywhere.</summary>
    public static async Task<DecodeResult> PiecewiseAsync(
        IStreamDecoder decoder, ReadOnlyMemory<byte> stream, IBlockDevice target, long? contentLength, Func<int> pieceSize)
    {
        var pipe = new Pipe(new PipeOptions(useSynchronizationContext: false));
        var feed = Task.Run(async () =>
        {
            for (var rest = stream; !rest.IsEmpty;)
            {
                var piece = rest[..Math.Min(rest.Length, pieceSize())];
                if ((await pipe.Writer.WriteAsync(piece)).IsCompleted)
                    break;
                rest = rest[piece.Length..];
            }

            await pipe.Writer.CompleteAsync();
        });
        var result = await decoder.RunAsync(pipe.Reader, target, contentLength, null, default);
        await pipe.Reader.CompleteAsync();
        await feed;
        return result;
    }
}
