using XapiCompat.Values;

namespace XapiCompat.Server.HttpActions;

/// <summary>What an upload is and where it goes, or why it is refused before any disk is touched.</summary>
/// <param name="Vdi">Reference or uuid of the disk; null when one is made for the upload.</param>
/// <param name="Sr">Reference of the SR in which a disk is made.</param>
/// <param name="SrUuid">The SR's uuid, when no reference is given.</param>
/// <param name="Framed">The body comes in xapi's own frames, which has nothing to do with HTTP chunks.</param>
internal sealed record UploadKind(string? Vdi, string? Sr, string? SrUuid, TransferFormat? Format, bool Framed, XenFailure? Refusal, int RefusalStatus)
{
    public static UploadKind Of(RequestParameters parameters, UploadForm form)
    {
        var text = parameters.QueryFirst("format") ?? "raw";
        var format = TransferFormat.Parse(text);

        // Its mere presence counts, even as "chunked=false".
        var framed = parameters.QueryFirst("chunked") is not null;
        var (vdi, sr, srUuid) = (parameters.QueryFirst("vdi"), parameters.QueryFirst("sr_id"), parameters.QueryFirst("sr_uuid"));
        if (format is null)
            return Refused(StatusCodes.Status404NotFound, TransferFormat.Unknown(text));
        if (vdi is null && WithoutDisk(sr ?? srUuid, format, framed ? null : form.Length) is { } refusal)
            return Refused(StatusCodes.Status400BadRequest, refusal);
        if (framed && format != TransferFormat.Raw)
            return Refused(StatusCodes.Status404NotFound, TransferFailures.Internal("Cannot handle chunked VHD"));
        return new UploadKind(vdi, sr, srUuid, format, framed, null, 0);
    }

    /// <summary>Only plain bytes of a known number tell how large the disk has to be.</summary>
    private static XenFailure? WithoutDisk(string? sr, TransferFormat format, long? length)
    {
        if (sr is null)
            return new XenFailure("VDI_MISSING");
        if (format != TransferFormat.Raw)
            return TransferFailures.Internal($"Importing a {format.Extension.ToUpperInvariant()} directly into an SR not yet supported");
        return length is null ? TransferFailures.Internal("Not enough info supplied to import") : null;
    }

    private static UploadKind Refused(int status, XenFailure failure) => new(null, null, null, null, false, failure, status);
}
