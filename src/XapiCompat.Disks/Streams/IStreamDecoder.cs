using System.IO.Pipelines;

namespace XapiCompat.Disks.Streams;

/// <summary>Reads one uploaded disk from a pipe, strictly forward, and applies it to a device. One object, one run.</summary>
public interface IStreamDecoder
{
    /// <summary>Bytes taken from the pipe so far; may be read while the run goes on.</summary>
    long BytesConsumed { get; }

    /// <summary>
    /// Runs to the end of the stream. Never takes more than <paramref name="contentLength"/> bytes; a success has taken
    /// all of them. Without a length it stops behind the last byte that belongs to the stream, and the rest of the input is
    /// the caller's. The pipe's end is a completed read; exceptions of the pipe and of the device pass through, and so
    /// does <see cref="OperationCanceledException"/>. The device is not flushed, the pipe not completed.
    /// </summary>
    /// <param name="contentLength">Bytes that the sender announced, or null when only the end of input tells.</param>
    /// <param name="progress">Called with values from 0 to 1, ascending; cheap calls only.</param>
    ValueTask<DecodeResult> RunAsync(
        PipeReader input, IBlockDevice target, long? contentLength, Action<double>? progress, CancellationToken cancellationToken);
}
