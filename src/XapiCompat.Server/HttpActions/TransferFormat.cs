using XapiCompat.Values;

namespace XapiCompat.Server.HttpActions;

/// <summary>A format in which disks are moved.</summary>
/// <param name="Extension">Of the file name in Content-Disposition, without dot.</param>
internal sealed record TransferFormat(string Extension, string ContentType)
{
    public static TransferFormat Raw { get; } = new("raw", "application/octet-stream");

    public static TransferFormat Vhd { get; } = new("vhd", "application/vhd");

    public static TransferFormat Qcow2 { get; } = new("qcow2", "application/x-qemu-disk");

    private static IReadOnlyList<TransferFormat> All { get; } = [Raw, Vhd, Qcow2];

    /// <summary>Null for what is not known here.</summary>
    public static TransferFormat? Parse(string text) =>
        All.FirstOrDefault(format => format.Extension.Equals(text, StringComparison.OrdinalIgnoreCase));

    public static XenFailure Unknown(string text) => TransferFailures.Internal("Unknown format " + text);
}
