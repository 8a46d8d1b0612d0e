using System.Buffers;
using System.IO.Pipelines;

namespace XapiCompat.Wire.XeCli;

/// <summary>Bytes to messages. Whatever is not a message within the limits is an <see cref="XeFrameException"/>, and nothing else.</summary>
public static class XeFrameDecoder
{
    /// <summary>Takes one frame off the front of the buffer; null when more bytes are needed, and the buffer is as before.</summary>
    /// <remarks>A length beyond the limit is refused before its bytes have come. Bytes of a text that are not UTF-8 become U+FFFD.</remarks>
    /// <exception cref="XeFrameException">The bytes are no message, or more than is accepted.</exception>
    public static XeMessage? TryRead(ref ReadOnlySequence<byte> buffer, XeFrameLimits limits)
    {
        var reader = new SequenceReader<byte>(buffer);
        if (!reader.TryReadLittleEndian(out int length))
            return null;
        CheckLength(length, limits);
        if (reader.Remaining < length)
            return null;
        var message = new XePayloadReader(reader.UnreadSequence.Slice(0, length), limits).Read();
        buffer = reader.UnreadSequence.Slice(length);
        return message;
    }

    /// <summary>
    /// Reads one frame and consumes no byte behind it, so that a blob can be read next; null at the end of the input between frames.
    /// </summary>
    /// <exception cref="XeFrameException">The bytes are no message, more than is accepted, or they end inside a frame.</exception>
    public static ValueTask<XeMessage?> ReadAsync(PipeReader input, XeFrameLimits limits, CancellationToken cancellation) =>
        ReadAsync(input, (ref ReadOnlySequence<byte> buffer) => TryRead(ref buffer, limits), cancellation);

    /// <summary>Reads the other side's greeting and consumes no byte behind it; null when the input ends before its first byte.</summary>
    /// <exception cref="XeFrameException">Something else comes, or the input ends inside the greeting.</exception>
    public static ValueTask<XeGreeting?> ReadGreetingAsync(PipeReader input, CancellationToken cancellation) =>
        ReadAsync<XeGreeting?>(input, (ref ReadOnlySequence<byte> buffer) => XeGreeting.TryRead(ref buffer, out var greeting) ? greeting : null, cancellation);

    /// <summary>Takes something off the front of the buffer; null when more bytes are needed.</summary>
    private delegate T? Parser<T>(ref ReadOnlySequence<byte> buffer);

    private static async ValueTask<T?> ReadAsync<T>(PipeReader input, Parser<T> parse, CancellationToken cancellation)
    {
        while (true)
        {
            var result = await input.ReadAsync(cancellation).ConfigureAwait(false);
            var buffer = result.Buffer;
            T? parsed;
            try
            {
                parsed = parse(ref buffer);
            }
            catch (XeFrameException)
            {
                input.AdvanceTo(buffer.End);
                throw;
            }

            if (parsed is not null)
            {
                input.AdvanceTo(buffer.Start);
                return parsed;
            }

            var begun = !buffer.IsEmpty;
            input.AdvanceTo(buffer.Start, buffer.End);
            if (result.IsCanceled)
                throw new OperationCanceledException();
            if (result.IsCompleted)
                return begun ? throw Truncated() : default;
        }
    }

    internal static void CheckLength(int length, XeFrameLimits limits)
    {
        if (length < 0)
            throw new XeFrameException(XeFrameError.NegativeLength, $"a frame of {length} bytes");
        if (length > limits.MaxFrameLength)
            throw new XeFrameException(XeFrameError.TooLong, $"a frame of {length} bytes, at most {limits.MaxFrameLength} are accepted");
    }

    internal static XeFrameException Truncated() => new(XeFrameError.Truncated, "the connection ended inside a message");
}
