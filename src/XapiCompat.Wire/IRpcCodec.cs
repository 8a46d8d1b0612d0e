using System.IO.Pipelines;
using XapiCompat.Values;

namespace XapiCompat.Wire;

/// <summary>Turns the body of one RPC post into a call and a result into the body of its answer. Safe to share between requests.</summary>
public interface IRpcCodec
{
    /// <summary>The whole Content-Type of an answer. Clients compare it for equality: never add a charset.</summary>
    string ContentType { get; }

    /// <summary>
    /// Reads one call up to the end of <paramref name="input"/>. The reader is advanced but not completed; after an error
    /// other than <see cref="RpcReadError.NotUtf8"/> an unread rest may be left in it.
    /// </summary>
    /// <exception cref="RpcReadException">The body is no call or goes past a limit.</exception>
    ValueTask<RpcRequest> ReadAsync(PipeReader input, RpcReadLimits limits, CancellationToken ct);

    /// <summary>
    /// Writes and flushes the answer in steps of at most 64 KiB; <paramref name="output"/> is not completed. A reader that
    /// has gone away ends the writing quietly.
    /// </summary>
    /// <param name="knownLength">Called once, before the first byte is written, with the length of the answer in bytes.</param>
    ValueTask WriteAsync(
        PipeWriter output, RpcRequest request, RpcResult result, CancellationToken ct, Action<long>? knownLength = null);
}
