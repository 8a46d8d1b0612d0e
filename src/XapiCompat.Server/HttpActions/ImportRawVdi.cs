using XapiCompat.Core.Transfers;
using XapiCompat.Disks.Qcow2;
using XapiCompat.Disks.Raw;
using XapiCompat.Disks.Streams;
using XapiCompat.Disks.Vhd.Streams;
using XapiCompat.Server.Connections;
using XapiCompat.Server.Connections.Uploads;
using XapiCompat.Values;

namespace XapiCompat.Server.HttpActions;

/// <summary>
/// PUT /import_raw_vdi: writes raw bytes, xapi's own chunk framing or a VHD onto a disk. The head of the answer goes out
/// before the body is read, because clients wait for it; its end goes out after the task has ended, because clients
/// read it to the end and then ask the task.
/// </summary>
internal sealed class ImportRawVdi(IDiskTransfers transfers, TransferOptions options) : IHttpAction
{
    /// <summary>How long to look whether more comes than the disk can hold, when no length says so.</summary>
    private static readonly TimeSpan SurplusWait = TimeSpan.FromSeconds(1);

    private static readonly TimeSpan DrainQuiet = TimeSpan.FromSeconds(1);

    public string Method => "PUT";

    public string PathPrefix => "/import_raw_vdi";

    public string Action => "put_import_raw_vdi";

    public async Task InvokeAsync(HttpContext context)
    {
        var request = new TransferRequest(context, transfers, Action);
        if (await request.RedirectAsync(options.Redirects))
            return;
        var form = UploadForm.Of(context.Request);
        if (form.Length == 0 && !request.NamesTask)
        {
            await AnswerProbeAsync(request);
            return;
        }

        if (await request.BeginAsync() is not { } begun)
            return;
        await using var transfer = begun;
        var upload = UploadKind.Of(request.Parameters, form);
        if (!form.HasBody)
            await request.RefuseAsync(transfer, StatusCodes.Status411LengthRequired, TransferFailures.DeviceIo);
        else if (upload.Refusal is { } refusal)
            await request.RefuseAsync(transfer, upload.RefusalStatus, refusal);
        else
            await ImportAsync(request, transfer, upload, form);
    }

    /// <summary>Some clients send the request once without data, to follow redirections, before the real one.</summary>
    private static async Task AnswerProbeAsync(TransferRequest request)
    {
        if (!await request.CheckAsync())
            return;
        request.Context.Response.Headers.CacheControl = "no-cache, no-store";
        request.Context.Response.ContentLength = 0;
        await request.Context.Response.StartAsync(request.Context.RequestAborted);
    }

    private async Task ImportAsync(TransferRequest request, ITransfer transfer, UploadKind upload, UploadForm form)
    {
        var context = request.Context;
        request.LiftLimits();
        using var body = new UploadBody(context);
        var decoder = DecoderOf(upload);
        using var watchdog = new IdleWatchdog(options.Time, options.IdleTimeout, () => decoder.BytesConsumed);
        using var end = CancellationTokenSource.CreateLinkedTokenSource(context.RequestAborted, transfer.Cancellation, watchdog.Expired);
        string? created = null;
        try
        {
            string vdi;
            if (upload.Vdi is null)
                created = await transfer.CreateDiskAsync(upload.Sr, upload.SrUuid, form.Length!.Value);
            await using (var target = await transfer.OpenImportAsync(upload.Vdi ?? created!, end.Token))
            {
                vdi = target.VdiRef;
                if (form.WaitsToBeAsked)
                    await body.AskAsync(end.Token);
                await SendHeadAsync(request, transfer, end.Token);
                var result = await ReceiveAsync(context, () => decoder.RunAsync(body, target.Device, form.Length, transfer.Progress, end.Token));
                if (result.Succeeded && form.Length is null && decoder is RawStreamDecoder && await HasSurplusAsync(context, body))
                    result = result with { Failure = DecodeFailure.OutOfRange, Detail = "more bytes than the disk holds" };
                if (!result.Succeeded)
                    throw new StreamRefusal(result);

                // What has come whole is kept, even when the client cuts the connection the moment its last byte is sent.
                await target.Device.FlushAsync(transfer.Cancellation);
            }

            // The disk is closed first: clients use it as soon as the task has ended.
            transfer.Succeed(XenString.Of(vdi));
        }
        catch (Exception e)
        {
            if (created is not null)
                await RemoveAsync(transfer, created);
            await EndAsync(request, transfer, body, upload.Vdi ?? created ?? "", e);
        }
    }

    /// <summary>A body in chunks is read ahead by the HTTP layer, which a thread that blocks would hold up.</summary>
    private static async ValueTask<DecodeResult> ReceiveAsync(HttpContext context, Func<ValueTask<DecodeResult>> receive) =>
        context.Features.Get<IReceiveThreadFeature>() is { } direct && context.Request.Headers.TransferEncoding.Count == 0
            ? await direct.RunAsync(receive)
            : await receive();

    private IStreamDecoder DecoderOf(UploadKind upload) =>
        upload.Framed ? new ChunkedFramingDecoder()
        : upload.Format == TransferFormat.Vhd ? new VhdStreamDecoder()
        : upload.Format == TransferFormat.Qcow2 ? new Qcow2StreamDecoder(options.SpoolDirectory)
        : new RawStreamDecoder();

    /// <summary>The failure of the upload is the one that counts.</summary>
    private async ValueTask RemoveAsync(ITransfer transfer, string vdi)
    {
        try
        {
            await transfer.RemoveDiskAsync(vdi);
        }
        catch (Exception e) when (e is XenException or IOException)
        {
            options.Logger.LogWarning("The disk {Vdi} of a failed upload stays: {Reason}", vdi, e.Message);
        }
    }

    private static async Task SendHeadAsync(TransferRequest request, ITransfer transfer, CancellationToken cancellationToken)
    {
        var response = request.Context.Response;
        // As xapi says; and it may have to close with the body half read, where another request must not follow. Without a task the
        // connection is cut then, which some clients take for the end of an answer when they were told of a close.
        if (request.NamesTask)
            response.Headers.Connection = "close";
        response.Headers.CacheControl = "no-cache, no-store";
        response.Headers["task-id"] = transfer.Task;
        response.Headers.ContentType = TransferFormat.Raw.ContentType;
        await response.StartAsync(cancellationToken);

        // Starting alone sends nothing.
        await response.BodyWriter.FlushAsync(cancellationToken);
    }

    private async ValueTask<bool> HasSurplusAsync(HttpContext context, UploadBody body)
    {
        var drain = new InputDrain(body, options.Time);
        await drain.RunAsync(SurplusWait);
        context.Items[typeof(InputDrain)] = true;
        return drain.Dropped > 0;
    }

    private async Task EndAsync(TransferRequest request, ITransfer transfer, UploadBody body, string vdi, Exception exception)
    {
        var context = request.Context;
        var failure = exception is StreamRefusal ? TransferFailures.DeviceIo : TransferFailures.Of(exception, vdi);
        if (failure.Code == "INTERNAL_ERROR")
            options.Logger.LogError(exception, "Import into {Vdi} failed", vdi);
        else
            options.Logger.LogInformation("Import into {Vdi} failed: {Reason}", vdi, exception.Message);
        var cancelled = exception is OperationCanceledException && transfer.Cancellation.IsCancellationRequested;
        if (cancelled)
            transfer.Cancelled();
        else
            transfer.Fail(failure);

        if (exception is OperationCanceledException)
        {
            context.Abort();
        }
        else if (!context.Response.HasStarted)
        {
            await ErrorPage.WriteAsync(context, StatusCodes.Status500InternalServerError, string.Join(' ', failure.Description));
        }
        else
        {
            await new InputDrain(body, options.Time).RunAsync(DrainQuiet);
            context.Items[typeof(InputDrain)] = true;
            // A client that named no task learns of the failure only by a connection that looks cut.
            if (!request.NamesTask)
                context.Abort();
        }
    }

    private sealed class StreamRefusal(DecodeResult result) : Exception($"{result.Failure} {result.FormatError} {result.Detail}");
}
