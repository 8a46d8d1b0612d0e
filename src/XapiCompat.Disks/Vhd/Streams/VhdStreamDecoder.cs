using System.IO.Pipelines;
using XapiCompat.Disks.Streams;

namespace XapiCompat.Disks.Vhd.Streams;

/// <summary>
/// Applies a dynamic or differencing VHD to a device: of each block the sectors whose bit is set. Other sectors and absent blocks stay
/// as they are on the target; parents are never looked for. Succeeds when the closing footer has arrived: the first
/// valid footer on a sector boundary behind the last block, which must agree with the copy at the start.
/// </summary>
/// <remarks>
/// Set sectors behind the VHD's own virtual size are padding and are dropped. Those between the target's end and the VHD's
/// (sizes rounded to a geometry) are accepted as zeroes and refused with any other content. Blocks before a refused one
/// stay written; what can be seen in header and table is refused before anything is written.
/// </remarks>
public sealed class VhdStreamDecoder : IStreamDecoder
{
    private ForwardReader? _reader;

    public long BytesConsumed => _reader?.Position ?? 0;

    public async ValueTask<DecodeResult> RunAsync(
        PipeReader input, IBlockDevice target, long? contentLength, Action<double>? progress, CancellationToken cancellationToken)
    {
        if (contentLength is < 0)
            throw new ArgumentOutOfRangeException(nameof(contentLength));
        var reader = _reader = new ForwardReader(input, contentLength, cancellationToken);
        using var blocks = new BlockApplier(reader, target, cancellationToken);
        try
        {
            var layout = await StreamLayout.ReadAsync(reader, contentLength);
            for (var position = 0; position < layout.BlockCount; position++)
            {
                await blocks.ApplyAsync(layout, position);
                progress?.Invoke((position + 1.0) / layout.BlockCount);
            }

            await ClosingFooterAsync(reader, layout);
            if (contentLength is { } length && !await reader.SkipAsync(length - reader.Position))
                throw new StreamRefusedException($"input ends at {reader.Position} of {length}");
            progress?.Invoke(1);
            return new DecodeResult(DecodeFailure.None, null, "", reader.Position, blocks.BytesApplied);
        }
        catch (StreamRefusedException refusal)
        {
            return new DecodeResult(refusal.Failure, refusal.Error, refusal.Message, reader.Position, blocks.BytesApplied);
        }
    }

    private static async ValueTask ClosingFooterAsync(ForwardReader reader, StreamLayout layout)
    {
        var sector = new byte[Footer.Size];
        var found = await reader.SkipAsync(layout.BlocksEnd - reader.Position);
        while (found)
        {
            found = await reader.FillAsync(sector);
            if (!found || !Footer.TryRead(sector, out var footer, out _))
                continue;
            var copy = layout.Footer;
            if (footer.CurrentSize != copy.CurrentSize || footer.DiskType != copy.DiskType || footer.UniqueId != copy.UniqueId)
                throw new StreamRefusedException(VhdFormatError.FooterDisagreement, $"closing footer before {reader.Position}");
            return;
        }

        throw new StreamRefusedException($"input ends at {reader.Position} without a closing footer");
    }
}
