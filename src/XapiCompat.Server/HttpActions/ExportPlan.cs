using System.IO.Pipelines;
using XapiCompat.Core.Transfers;
using XapiCompat.Disks.Raw;
using XapiCompat.Disks.Streams;
using XapiCompat.Disks.Vhd.Streams;

namespace XapiCompat.Server.HttpActions;

/// <summary>What will be sent for one export: fixed before the first byte.</summary>
internal sealed class ExportPlan
{
    private readonly ExportSource _source;
    private readonly RawStreamPlan? _raw;
    private readonly VhdStreamPlan? _vhd;

    private ExportPlan(ExportSource source, RawStreamPlan raw) => (_source, _raw, Format) = (source, raw, TransferFormat.Raw);

    private ExportPlan(ExportSource source, VhdStreamPlan vhd) => (_source, _vhd, Format) = (source, vhd, TransferFormat.Vhd);

    public TransferFormat Format { get; }

    public long Length => _raw?.Length ?? _vhd!.Length;

    public string FileName => FileNameOf(_source.VdiUuid, Format);

    public static async ValueTask<ExportPlan> MakeAsync(ExportSource source, TransferFormat format, CancellationToken cancellationToken)
    {
        var size = source.Device.VirtualSize;
        if (format == TransferFormat.Raw)
            return new ExportPlan(source, new RawStreamPlan(size, source.Base?.Changed));
        if (source.Base is { } parent)
        {
            // The parent's name is the one its own export carries, so that files saved as offered form a chain.
            var name = FileNameOf(parent.VdiUuid, TransferFormat.Vhd);
            return new ExportPlan(source, VhdStreamPlan.Differential(size, source.DataId, parent.DataId, name, parent.Changed));
        }

        var extents = await source.Device.ExtentsAsync(0, size, cancellationToken);
        return new ExportPlan(source, VhdStreamPlan.Full(size, source.DataId, extents));
    }

    /// <param name="progress">Bytes sent and bytes in all, after each flush.</param>
    public ValueTask<StreamOutcome> SendAsync(PipeWriter output, Action<long, long> progress, CancellationToken cancellationToken) =>
        _raw is not null
            ? _raw.WriteAsync(_source.Device, output, sent => progress(sent, Length), cancellationToken)
            : _vhd!.WriteAsync(_source.Device, output, sent => progress(sent, Length), cancellationToken);

    private static string FileNameOf(Guid vdi, TransferFormat format) => $"{vdi:D}.{format.Extension}";
}
