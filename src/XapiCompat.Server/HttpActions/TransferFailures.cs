using System.Globalization;
using XapiCompat.Disks.Vhd.Streams;
using XapiCompat.Storage;
using XapiCompat.Values;

namespace XapiCompat.Server.HttpActions;

/// <summary>From exceptions to documented errors.</summary>
internal static class TransferFailures
{
    private const int NoSpace = 28;
    private const int QuotaExceeded = 122;

    /// <summary>Every end of a transfer that has no better name: cut input, vanished client, broken file.</summary>
    public static XenFailure DeviceIo { get; } = new("VDI_IO_ERROR", "Device I/O errors");

    public static XenFailure Internal(string text) => new("INTERNAL_ERROR", text);

    public static XenFailure Of(Exception exception, string vdi) => exception switch
    {
        XenException known => known.Failure,
        DiskTooLargeException => new("VDI_TOO_LARGE", vdi, DiskTooLargeException.Maximum.ToString(CultureInfo.InvariantCulture)),
        StorageException { Fault: StorageFault.InputOutput } => DeviceIo,
        StorageException storage => Backend((int)storage.Fault, storage.Message),
        IOException { HResult: NoSpace or QuotaExceeded } full => Backend((int)StorageFault.NoSpace, full.Message),
        IOException or OperationCanceledException => DeviceIo,
        _ => Internal(exception.GetType().Name + ": " + exception.Message),
    };

    private static XenFailure Backend(int number, string message) =>
        new("SR_BACKEND_FAILURE_" + number.ToString(CultureInfo.InvariantCulture), "", message, "");
}
