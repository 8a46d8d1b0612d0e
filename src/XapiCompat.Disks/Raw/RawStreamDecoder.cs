using System.Buffers;
using System.IO.Pipelines;
using XapiCompat.Disks.Streams;

namespace XapiCompat.Disks.Raw;

/// <summary>
/// Plain bytes, written from offset 0. With a length exactly that many, which must fit; the rest of the disk stays as it
/// is. Without a length exactly the disk's size.
/// </summary>
public sealed class RawStreamDecoder : IStreamDecoder
{
    private const int PieceSize = 1 << 20;

    private ForwardReader? _reader;

    public long BytesConsumed => _reader?.Position ?? 0;

    public async ValueTask<DecodeResult> RunAsync(
        PipeReader input, IBlockDevice target, long? contentLength, Action<double>? progress, CancellationToken cancellationToken)
    {
        var size = contentLength ?? target.VirtualSize;
        ArgumentOutOfRangeException.ThrowIfNegative(size, nameof(contentLength));
        if (size > target.VirtualSize)
            return new DecodeResult(DecodeFailure.OutOfRange, null, $"{size} bytes for a disk of {target.VirtualSize}", 0, 0);

        var reader = _reader = new ForwardReader(input, size, cancellationToken);
        var buffer = ArrayPool<byte>.Shared.Rent(PieceSize);
        try
        {
            long offset = 0;
            while (offset < size)
            {
                // What has arrived is written even when the rest never comes: an interrupted upload leaves its beginning.
                var filled = await reader.ReadAsync(buffer.AsMemory(0, (int)Math.Min(PieceSize, size - offset)));
                await SparseWriter.WriteAsync(target, offset, buffer.AsMemory(0, filled), cancellationToken);
                var wanted = Math.Min(PieceSize, size - offset);
                offset += filled;
                if (filled < wanted)
                    return new DecodeResult(DecodeFailure.UnexpectedEnd, null, $"input ends at {offset} of {size}", offset, offset);
                progress?.Invoke((double)offset / size);
            }

            return new DecodeResult(DecodeFailure.None, null, "", offset, offset);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }
}
