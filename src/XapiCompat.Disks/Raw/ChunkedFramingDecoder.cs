using System.Buffers;
using System.Buffers.Binary;
using System.IO.Pipelines;
using XapiCompat.Disks.Streams;

namespace XapiCompat.Disks.Raw;

/// <summary>
/// The framing that the query parameter <c>chunked</c> announces (not HTTP chunks): little-endian 64-bit offset, 32-bit length, data;
/// ended by a frame of offset 0 and length 0. Positions that no frame names stay as they are.
/// </summary>
public sealed class ChunkedFramingDecoder : IStreamDecoder
{
    private const int FrameHeaderSize = 12;
    private const int PieceSize = 1 << 20;

    private ForwardReader? _reader;
    private long _applied;
    private double _fraction;

    public long BytesConsumed => _reader?.Position ?? 0;

    public async ValueTask<DecodeResult> RunAsync(
        PipeReader input, IBlockDevice target, long? contentLength, Action<double>? progress, CancellationToken cancellationToken)
    {
        var reader = _reader = new ForwardReader(input, contentLength, cancellationToken);
        var buffer = ArrayPool<byte>.Shared.Rent(PieceSize);
        try
        {
            while (true)
            {
                if (!await reader.FillAsync(buffer.AsMemory(0, FrameHeaderSize)))
                    return End(DecodeFailure.UnexpectedEnd, "input ends before the closing frame");
                var offset = BinaryPrimitives.ReadUInt64LittleEndian(buffer);
                var length = BinaryPrimitives.ReadUInt32LittleEndian(buffer.AsSpan(8));
                if (offset == 0 && length == 0)
                    break;
                var size = (ulong)target.VirtualSize;
                if (offset > size || length > size - offset)
                    return End(DecodeFailure.OutOfRange, $"frame {offset}+{length} for a disk of {size}");
                if (!await FrameAsync(reader, target, (long)offset, length, buffer, cancellationToken))
                    return End(DecodeFailure.UnexpectedEnd, $"input ends inside the frame {offset}+{length}");
                // Frames may come in any order; without a length the furthest one is the best guess.
                _fraction = Math.Max(_fraction, contentLength is > 0 ? (double)reader.Position / contentLength.Value : (offset + length) / (double)size);
                progress?.Invoke(_fraction);
            }

            if (contentLength is { } announced && !await reader.SkipAsync(announced - reader.Position))
                return End(DecodeFailure.UnexpectedEnd, $"input ends at {reader.Position} of {announced}");
            progress?.Invoke(1);
            return End(DecodeFailure.None, "");
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    private async ValueTask<bool> FrameAsync(
        ForwardReader reader, IBlockDevice target, long offset, long length, byte[] buffer, CancellationToken cancellationToken)
    {
        while (length > 0)
        {
            var piece = buffer.AsMemory(0, (int)Math.Min(PieceSize, length));
            if (!await reader.FillAsync(piece))
                return false;
            await SparseWriter.WriteAsync(target, offset, piece, cancellationToken);
            _applied += piece.Length;
            offset += piece.Length;
            length -= piece.Length;
        }

        return true;
    }

    private DecodeResult End(DecodeFailure failure, string detail) => new(failure, null, detail, BytesConsumed, _applied);
}
