using System.Buffers.Binary;
using System.Text;

namespace XapiCompat.Server.Tests.Support;

/// <summary>
/// Greeting and frames of the thin client's protocol over a stream, written for tests only: what the server sends is
/// judged by other code than that which wrote it.
/// </summary>
internal sealed class XeFrames(Stream stream)
{
    private const int LongestFrame = 64 << 20;

    public static byte[] Greeting { get; } = [.. "XenSource thin CLI protocol"u8, .. Int(0), .. Int(2)];

    public static byte[] Int(int number)
    {
        var bytes = new byte[4];
        BinaryPrimitives.WriteInt32LittleEndian(bytes, number);
        return bytes;
    }

    /// <summary>Reads the server's greeting, or throws, and answers with the own one.</summary>
    public async Task GreetAsync(CancellationToken cancellation)
    {
        var theirs = new byte[Greeting.Length];
        await stream.ReadExactlyAsync(theirs, cancellation);
        if (!theirs.AsSpan().SequenceEqual(Greeting))
            throw new InvalidDataException("a greeting should come, but this came: " + Convert.ToHexString(theirs));
        await stream.WriteAsync(Greeting, cancellation);
    }

    /// <summary>The next message of the server; null at the end of the stream.</summary>
    public async Task<XeCommandFrame?> ReadAsync(CancellationToken cancellation)
    {
        var head = new byte[4];
        var count = await stream.ReadAtLeastAsync(head, 4, throwOnEndOfStream: false, cancellation);
        if (count == 0)
            return null;
        if (count < 4)
            throw new InvalidDataException("the stream ends inside a length");
        var length = BinaryPrimitives.ReadInt32LittleEndian(head);
        if (length is < 8 or > LongestFrame)
            throw new InvalidDataException("a frame of " + length + " bytes");
        var payload = new byte[length];
        await stream.ReadExactlyAsync(payload, cancellation);
        return XeCommandFrame.Parse(payload);
    }

    public Task OkAsync(CancellationToken cancellation) => SendAsync(10, 5, cancellation);

    public Task FailedAsync(CancellationToken cancellation) => SendAsync(10, 6, cancellation);

    public Task WaitAsync(CancellationToken cancellation) => SendAsync(10, 18, cancellation);

    /// <summary>One chunk and the end of a blob.</summary>
    public async Task BlobAsync(byte[] bytes, CancellationToken cancellation)
    {
        await stream.WriteAsync((byte[])[.. Int(12), .. Int(11), .. Int(7), .. Int(bytes.Length), .. bytes], cancellation);
        await SendAsync(11, 8, cancellation);
    }

    public Task BlobAsync(string text, CancellationToken cancellation) => BlobAsync(Encoding.UTF8.GetBytes(text), cancellation);

    private async Task SendAsync(int @class, int tag, CancellationToken cancellation) =>
        await stream.WriteAsync((byte[])[.. Int(8), .. Int(@class), .. Int(tag)], cancellation);
}
