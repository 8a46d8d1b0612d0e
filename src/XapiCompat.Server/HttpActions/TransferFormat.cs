using XapiCompat.Values;

namespace XapiCompat.Server.HttpActions;

/// <summary>A format in which disks are moved.</summary>
/// <param name="Extension">Of the file name in Content-Disposition, without dot.</param>
internal sealed record TransferFormat(string Extension, string ContentType)
{
    public static TransferFormat Raw { get; } = new("raw", "application/octet-stream");

    public static TransferFormat Vhd { get; } = new("vhd", "application/vhd");

    /// <summary>Null for what is not known here.</summary>
    public static TransferFormat? Parse(string text) =>
        text.Equals("raw", StringComparison.OrdinalIgnoreCase) ? Raw
        : text.Equals("vhd", StringComparison.OrdinalIgnoreCase) ? Vhd
        : null;

    public static XenFailure Unknown(string text) => TransferFailures.Internal("Unknown format " + text);
}
