using System.IO.Pipelines;
using XapiCompat.Disks.Streams;

namespace XapiCompat.Disks.Raw;

/// <summary>
/// A disk as its plain bytes. What the device says is not stored is sent as zeroes without reading it.
/// </summary>
public sealed class RawStreamPlan : IStreamPlan
{
    /// <summary>How much of the device is asked for its extents at once, so that the answer stays small.</summary>
    private const long Window = 1L << 30;

    private readonly IReadOnlyList<Extent> _parts;

    /// <param name="virtualSize">Size of the disk in bytes.</param>
    /// <param name="changed">
    /// Only these ranges are sent, all others as zeroes; null for the whole disk. Ascending, inside the disk; the kind does
    /// not count.
    /// </param>
    public RawStreamPlan(long virtualSize, IReadOnlyList<Extent>? changed = null)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(virtualSize);
        Length = virtualSize;
        _parts = changed ?? [new Extent(0, virtualSize, ExtentKind.Data)];
        long end = 0;
        foreach (var part in _parts)
        {
            if (part.Offset < end || part.Length < 0 || part.Length > virtualSize - part.Offset)
                throw new ArgumentException($"Range {part.Offset}+{part.Length} is out of order or outside the disk.", nameof(changed));
            end = part.End;
        }
    }

    /// <summary>Exact length of the stream in bytes.</summary>
    public long Length { get; }

    /// <summary>Sends the stream. Completes neither the pipe nor the device.</summary>
    /// <param name="source">Has the virtual size of the plan.</param>
    /// <param name="progress">Called after each flush with the bytes sent so far.</param>
    public async ValueTask<StreamOutcome> WriteAsync(
        IBlockDevice source, PipeWriter output, Action<long>? progress, CancellationToken cancellationToken)
    {
        if (source.VirtualSize != Length)
            throw new ArgumentException($"The disk has {source.VirtualSize} bytes, the plan {Length}.", nameof(source));
        var writer = new PieceWriter(output, Length, progress, cancellationToken);
        long position = 0;
        foreach (var part in _parts)
        {
            if (!await writer.ZeroesAsync(part.Offset - position) || !await PartAsync(writer, source, part, cancellationToken))
                return StreamOutcome.ReceiverGone;
            position = part.End;
        }

        var complete = await writer.ZeroesAsync(Length - position) && await writer.FlushAsync();
        return complete ? StreamOutcome.Complete : StreamOutcome.ReceiverGone;
    }

    private static async ValueTask<bool> PartAsync(PieceWriter writer, IBlockDevice source, Extent part, CancellationToken cancellationToken)
    {
        for (var offset = part.Offset; offset < part.End;)
        {
            var window = Math.Min(Window, part.End - offset);
            foreach (var extent in await source.ExtentsAsync(offset, window, cancellationToken))
            {
                var sent = extent.Kind == ExtentKind.Zero
                    ? await writer.ZeroesAsync(extent.Length)
                    : await writer.DeviceAsync(source, extent.Offset, extent.Length);
                if (!sent)
                    return false;
            }

            offset += window;
        }

        return true;
    }
}
