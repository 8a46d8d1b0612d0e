using System.Buffers;
using XapiCompat.Disks.Streams;

namespace XapiCompat.Disks.Vhd.Streams;

/// <summary>Moves the set sectors of one block after the other from the stream to the target.</summary>
internal sealed class BlockApplier(ForwardReader reader, IBlockDevice target, CancellationToken cancellationToken) : IDisposable
{
    private const int PieceSize = 1 << 20;

    private readonly byte[] _piece = ArrayPool<byte>.Shared.Rent(PieceSize);
    private byte[] _bitmap = [];

    /// <summary>Bytes of the target that were overwritten so far.</summary>
    public long BytesApplied { get; private set; }

    public void Dispose() => ArrayPool<byte>.Shared.Return(_piece);

    public async ValueTask ApplyAsync(StreamLayout layout, int position)
    {
        var (streamOffset, index) = layout.Block(position);
        if (_bitmap.Length != layout.BitmapSize)
            _bitmap = new byte[layout.BitmapSize];
        await SkipAsync(streamOffset - reader.Position);
        if (!await reader.FillAsync(_bitmap))
            throw Ended();

        var diskOffset = index * layout.BlockSize;
        var inside = (int)Math.Min(layout.BlockSize, layout.Footer.CurrentSize - diskOffset);
        var sectors = inside / VhdLimits.SectorSize;
        for (var sector = 0; sector < sectors;)
        {
            var run = SectorBitmap.RunLength(_bitmap, sector, sectors - sector);
            var length = run * VhdLimits.SectorSize;
            if (SectorBitmap.IsSet(_bitmap, sector))
                await RunAsync(diskOffset + sector * VhdLimits.SectorSize, length);
            else
                await SkipAsync(length);
            sector += run;
        }

        await SkipAsync(layout.BlockSize - inside);
    }

    private async ValueTask RunAsync(long offset, int length)
    {
        while (length > 0)
        {
            var piece = _piece.AsMemory(0, Math.Min(PieceSize, length));
            if (!await reader.FillAsync(piece))
                throw Ended();
            var room = (int)Math.Clamp(target.VirtualSize - offset, 0, piece.Length);
            if (!SparseWriter.IsZero(piece.Span[room..]))
                throw new StreamRefusedException(DecodeFailure.OutOfRange, $"data at {offset}+{piece.Length} for a disk of {target.VirtualSize}");
            await SparseWriter.WriteAsync(target, offset, piece[..room], cancellationToken);
            BytesApplied += room;
            offset += piece.Length;
            length -= piece.Length;
        }
    }

    private async ValueTask SkipAsync(long count)
    {
        if (!await reader.SkipAsync(count))
            throw Ended();
    }

    private StreamRefusedException Ended() => new($"input ends at {reader.Position}, inside or before a block");
}
