using XapiCompat.Core.Transfers;
using XapiCompat.Disks.Streams;
using XapiCompat.Values;

namespace XapiCompat.Server.HttpActions;

/// <summary>
/// GET /export_raw_vdi: a disk as raw bytes or VHD, or what changed since a base. The disk is open and the length
/// known before the head goes out, so errors are real status codes and a cut download is short of its length.
/// </summary>
internal sealed class ExportRawVdi(IDiskTransfers transfers, TransferOptions options) : IHttpAction
{
    public string Method => "GET";

    public string PathPrefix => "/export_raw_vdi";

    public string Action => "get_export_raw_vdi";

    public async Task InvokeAsync(HttpContext context)
    {
        var request = new TransferRequest(context, transfers, Action);
        if (await request.RedirectAsync(options.Redirects))
            return;
        if (await request.BeginAsync() is not { } begun)
            return;
        await using var transfer = begun;
        var text = request.Parameters.QueryFirst("format") ?? "raw";
        var vdi = request.Parameters.QueryFirst("vdi");
        if (TransferFormat.Parse(text) is not { } format)
            await request.RefuseAsync(transfer, StatusCodes.Status404NotFound, TransferFormat.Unknown(text));
        else if (vdi is null)
            await request.RefuseAsync(transfer, StatusCodes.Status500InternalServerError, new XenFailure("VDI_MISSING"));
        else
            await ExportAsync(request, transfer, vdi, format);
    }

    private async Task ExportAsync(TransferRequest request, ITransfer transfer, string vdi, TransferFormat format)
    {
        var context = request.Context;
        request.LiftLimits();
        long sent = 0;
        using var watchdog = new IdleWatchdog(options.Time, options.IdleTimeout, () => Volatile.Read(ref sent));
        using var end = CancellationTokenSource.CreateLinkedTokenSource(context.RequestAborted, transfer.Cancellation, watchdog.Expired);
        try
        {
            var source = await transfer.OpenExportAsync(vdi, request.Parameters.QueryFirst("base"), end.Token);
            await using (source)
            {
                var plan = await ExportPlan.MakeAsync(source, format, end.Token);
                await SendHeadAsync(context, transfer, plan, end.Token);
                var outcome = await plan.SendAsync(context.Response.BodyWriter, Count, end.Token);
                if (outcome == StreamOutcome.ReceiverGone)
                    throw new IOException("The client is gone.");
            }

            // The disk is closed first: clients destroy it as soon as the task has ended.
            transfer.Succeed(null);
        }
        catch (Exception e)
        {
            await EndAsync(request, transfer, vdi, e);
        }

        void Count(long bytes, long length)
        {
            Volatile.Write(ref sent, bytes);
            transfer.Progress((double)bytes / length);
        }
    }

    private static async Task SendHeadAsync(HttpContext context, ITransfer transfer, ExportPlan plan, CancellationToken cancellationToken)
    {
        var response = context.Response;
        response.Headers.Connection = "close";
        response.Headers.CacheControl = "no-cache, no-store";
        response.Headers["task-id"] = transfer.Task;
        response.Headers.ContentType = plan.Format.ContentType;
        response.Headers.ContentDisposition = $"attachment; filename=\"{plan.FileName}\"";
        response.ContentLength = plan.Length;
        await response.StartAsync(cancellationToken);
    }

    private async Task EndAsync(TransferRequest request, ITransfer transfer, string vdi, Exception exception)
    {
        var failure = TransferFailures.Of(exception, vdi);
        if (failure.Code == "INTERNAL_ERROR")
            options.Logger.LogError(exception, "Export of {Vdi} failed", vdi);
        var cancelled = exception is OperationCanceledException && transfer.Cancellation.IsCancellationRequested;
        if (cancelled)
            transfer.Cancelled();
        else
            transfer.Fail(failure);
        if (request.Context.Response.HasStarted)
            request.Context.Abort();
        else if (!request.Context.RequestAborted.IsCancellationRequested)
            await ErrorPage.WriteAsync(request.Context, StatusCodes.Status500InternalServerError, cancelled ? "TASK_CANCELLED" : string.Join(' ', failure.Description));
    }
}
