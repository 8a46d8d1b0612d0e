using System.IO.Pipelines;
using XapiCompat.Core.Transfers;
using XapiCompat.Disks;
using XapiCompat.Disks.Qcow2;
using XapiCompat.Disks.Raw;
using XapiCompat.Disks.Streams;
using XapiCompat.Disks.Vhd.Streams;

namespace XapiCompat.Server.HttpActions;

/// <summary>What will be sent for one export: fixed before the first byte.</summary>
internal sealed class ExportPlan
{
    private readonly ExportSource _source;
    private readonly IStreamPlan _plan;

    private ExportPlan(ExportSource source, TransferFormat format, IStreamPlan plan) => (_source, Format, _plan) = (source, format, plan);

    public TransferFormat Format { get; }

    public long Length => _plan.Length;

    public string FileName => FileNameOf(_source.VdiUuid, Format);

    public static async ValueTask<ExportPlan> MakeAsync(ExportSource source, TransferFormat format, CancellationToken cancellationToken)
    {
        var size = source.Device.VirtualSize;
        IStreamPlan plan = format == TransferFormat.Raw ? new RawStreamPlan(size, source.Base?.Changed)
            : source.Base is { } parent ? Differential(source, parent, size, format)
            : Full(source, size, format, await source.Device.ExtentsAsync(0, size, cancellationToken));
        return new ExportPlan(source, format, plan);
    }

    /// <param name="progress">Bytes sent and bytes in all, after each flush.</param>
    public ValueTask<StreamOutcome> SendAsync(PipeWriter output, Action<long, long> progress, CancellationToken cancellationToken) =>
        _plan.WriteAsync(_source.Device, output, sent => progress(sent, Length), cancellationToken);

    private static IStreamPlan Full(ExportSource source, long size, TransferFormat format, IReadOnlyList<Extent> extents) =>
        format == TransferFormat.Qcow2 ? Qcow2StreamPlan.Full(size, extents) : VhdStreamPlan.Full(size, source.DataId, extents);

    /// <summary>The parent's name is the one its own export carries, so that files saved as offered form a chain.</summary>
    private static IStreamPlan Differential(ExportSource source, ExportBase parent, long size, TransferFormat format)
    {
        var name = FileNameOf(parent.VdiUuid, format);
        return format == TransferFormat.Qcow2
            ? Qcow2StreamPlan.Differential(size, name, parent.Changed)
            : VhdStreamPlan.Differential(size, source.DataId, parent.DataId, name, parent.Changed);
    }

    private static string FileNameOf(Guid vdi, TransferFormat format) => $"{vdi:D}.{format.Extension}";
}
