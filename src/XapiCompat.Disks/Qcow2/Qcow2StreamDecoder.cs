using System.Buffers;
using System.IO.Compression;
using System.IO.Pipelines;
using Microsoft.Win32.SafeHandles;
using XapiCompat.Disks.Streams;

namespace XapiCompat.Disks.Qcow2;

/// <summary>
/// Applies a qcow2 file, version 2 or 3, to a device. Its tables may stand anywhere, so the upload is kept in an unnamed
/// file until it is whole; nothing is written to the device before its tables have been checked. Clusters that are not stored
/// become zeroes, or stay as they are on the target when the file names a backing file, which is never looked for. Internal
/// snapshots are ignored; encrypted files, external data files, extended L2 entries and zstd are refused.
/// </summary>
/// <param name="spoolDirectory">Where the upload is kept meanwhile: as many bytes as the sender sends.</param>
public sealed class Qcow2StreamDecoder(string spoolDirectory) : IStreamDecoder
{
    // As large as the largest cluster.
    private const int PieceSize = 2 << 20;

    private ForwardReader? _reader;

    public long BytesConsumed => _reader?.Position ?? 0;

    public async ValueTask<DecodeResult> RunAsync(
        PipeReader input, IBlockDevice target, long? contentLength, Action<double>? progress, CancellationToken cancellationToken)
    {
        if (contentLength is < 0)
            throw new ArgumentOutOfRangeException(nameof(contentLength));
        var reader = _reader = new ForwardReader(input, contentLength, cancellationToken);
        using var spool = CreateSpool();
        var buffer = ArrayPool<byte>.Shared.Rent(PieceSize);
        long applied = 0;
        try
        {
            await ReceiveAsync(reader, spool, buffer, contentLength, progress);
            var image = Qcow2Image.Open(spool);
            foreach (var run in image.Runs())
            {
                cancellationToken.ThrowIfCancellationRequested();
                applied += await ApplyAsync(image, run, spool, target, buffer, cancellationToken);
                progress?.Invoke(0.5 + 0.5 * Math.Min(1, (double)run.End / Math.Max(1, target.VirtualSize)));
            }

            return new DecodeResult(DecodeFailure.None, null, "", reader.Position, applied);
        }
        catch (StreamRefusedException refusal)
        {
            return new DecodeResult(refusal.Failure, null, refusal.Message, reader.Position, applied);
        }
        catch (InvalidDataException e)
        {
            return new DecodeResult(DecodeFailure.Malformed, null, "qcow2: " + e.Message, reader.Position, applied);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    // Without a name it goes away with the process, however that ends.
    private SafeFileHandle CreateSpool()
    {
        var path = Path.Combine(spoolDirectory, Path.GetRandomFileName() + ".upload");
        var handle = File.OpenHandle(path, FileMode.CreateNew, FileAccess.ReadWrite);
        File.Delete(path);
        return handle;
    }

    private static async ValueTask ReceiveAsync(ForwardReader reader, SafeFileHandle spool, byte[] buffer, long? length, Action<double>? progress)
    {
        long received = 0;
        while (true)
        {
            var count = await reader.ReadAsync(buffer.AsMemory(0, PieceSize));
            if (!SparseWriter.IsZero(buffer.AsSpan(0, count)))
                RandomAccess.Write(spool, buffer.AsSpan(0, count), received);
            received += count;
            if (length is { } announced)
                progress?.Invoke(0.5 * received / Math.Max(1, announced));
            if (count < PieceSize)
                break;
        }

        if (length is { } whole && received < whole)
            throw new StreamRefusedException($"input ends at {received} of {whole}");
        RandomAccess.SetLength(spool, received);
    }

    private static async ValueTask<long> ApplyAsync(
        Qcow2Image image, Qcow2Run run, SafeFileHandle spool, IBlockDevice target, byte[] buffer, CancellationToken cancellationToken)
    {
        if (run.Kind == Qcow2RunKind.Absent && image.HasBacking)
            return 0;
        if (run.Kind is Qcow2RunKind.Absent or Qcow2RunKind.Zero)
        {
            var inside = Math.Min(run.End, target.VirtualSize) - run.Offset;
            if (inside > 0)
                await target.ZeroAsync(run.Offset, inside, cancellationToken);
            return Math.Max(0, inside);
        }

        long applied = 0;
        for (long at = 0; at < run.Length;)
        {
            var piece = buffer.AsMemory(0, (int)Math.Min(PieceSize, run.Length - at));
            if (run.Kind == Qcow2RunKind.Data)
                Read(spool, piece.Span, run.HostOffset + at);
            else
                piece = Inflate(image, run, spool, buffer);
            applied += await WriteAsync(target, run.Offset + at, piece, cancellationToken);
            at += piece.Length;
        }

        return applied;
    }

    /// <summary>Sizes rounded up by the sender may stand out over the target, with nothing but zeroes.</summary>
    private static async ValueTask<long> WriteAsync(IBlockDevice target, long offset, ReadOnlyMemory<byte> piece, CancellationToken cancellationToken)
    {
        var inside = (int)Math.Clamp(target.VirtualSize - offset, 0, piece.Length);
        if (!SparseWriter.IsZero(piece.Span[inside..]))
            throw new StreamRefusedException(DecodeFailure.OutOfRange, $"data at {offset} for a disk of {target.VirtualSize}");
        await SparseWriter.WriteAsync(target, offset, piece[..inside], cancellationToken);
        return inside;
    }

    // The last cluster of a file may be cut at its last sector.
    private static void Read(SafeFileHandle spool, Span<byte> buffer, long offset)
    {
        while (buffer.Length > 0)
        {
            var count = RandomAccess.Read(spool, buffer, offset);
            if (count == 0)
            {
                buffer.Clear();
                return;
            }

            buffer = buffer[count..];
            offset += count;
        }
    }

    private static Memory<byte> Inflate(Qcow2Image image, Qcow2Run run, SafeFileHandle spool, byte[] buffer)
    {
        var packed = new byte[run.HostLength];
        Read(spool, packed, run.HostOffset);
        using var inflater = new DeflateStream(new MemoryStream(packed), CompressionMode.Decompress);
        var cluster = buffer.AsMemory(0, image.ClusterSize);
        if (inflater.ReadAtLeast(cluster.Span, cluster.Length, throwOnEndOfStream: false) < cluster.Length)
            throw new StreamRefusedException(DecodeFailure.Malformed, $"qcow2: the compressed cluster at {run.HostOffset} is cut");
        return cluster[..(int)run.Length];
    }
}
