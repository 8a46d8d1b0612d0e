using XapiCompat.Values;

namespace XapiCompat.Server.HttpActions;

/// <summary>What an upload is and where it goes, or why it is refused before any disk is touched.</summary>
/// <param name="Framed">The body comes in xapi's own frames, which has nothing to do with HTTP chunks.</param>
internal sealed record UploadKind(string? Vdi, TransferFormat? Format, bool Framed, XenFailure? Refusal, int RefusalStatus)
{
    public static UploadKind Of(RequestParameters parameters)
    {
        var text = parameters.QueryFirst("format") ?? "raw";
        var format = TransferFormat.Parse(text);

        // Its mere presence counts, even as "chunked=false".
        var framed = parameters.QueryFirst("chunked") is not null;
        var vdi = parameters.QueryFirst("vdi");
        if (format is null)
            return Refused(StatusCodes.Status404NotFound, TransferFormat.Unknown(text));
        if (vdi is null)
            return Refused(StatusCodes.Status400BadRequest, WithoutDisk(parameters, format));
        if (framed && format != TransferFormat.Raw)
            return Refused(StatusCodes.Status404NotFound, TransferFailures.Internal("Cannot handle chunked VHD"));
        return new UploadKind(vdi, format, framed, null, 0);
    }

    private static XenFailure WithoutDisk(RequestParameters parameters, TransferFormat format)
    {
        if (parameters.QueryFirst("sr_id") is null && parameters.QueryFirst("sr_uuid") is null)
            return new XenFailure("VDI_MISSING");
        return TransferFailures.Internal(format == TransferFormat.Vhd
            ? "Importing a VHD directly into an SR not yet supported"
            : "Not enough info supplied to import");
    }

    private static UploadKind Refused(int status, XenFailure failure) => new(null, null, false, failure, status);
}
