using XapiCompat.Storage;
using XapiCompat.Values;

namespace XapiCompat.Core.Services;

/// <summary>Faults of storage plugins as XenAPI errors.</summary>
public static class StorageErrors
{
    public static XenFailure Translate(Exception exception, string sr, string vdi, string operation) => exception switch
    {
        XenException known => known.Failure,
        StorageException { Fault: StorageFault.VolumeInUse } => new("VDI_IN_USE", vdi, operation),
        StorageException { Fault: StorageFault.SrNotEmpty } => new("SR_NOT_EMPTY"),
        StorageException { Fault: StorageFault.SrInUse } => new("SR_DEVICE_IN_USE"),
        StorageException { Fault: StorageFault.VolumeDoesNotExist } => new("VDI_MISSING", sr, vdi),
        StorageException { Fault: StorageFault.Unimplemented } missing when operation == "resize" => new("INTERNAL_ERROR", missing.Message),
        StorageException { Fault: StorageFault.Unimplemented } => new("UNIMPLEMENTED_IN_SM_BACKEND", sr),
        StorageException fault => new("SR_BACKEND_FAILURE_" + (int)fault.Fault, "", fault.Message, fault.Detail),
        IOException full when IsNoSpace(full) => Backend((int)StorageFault.NoSpace, "There is insufficient space"),
        IOException or UnauthorizedAccessException => Backend((int)StorageFault.InputOutput, exception.Message),
        _ => new("INTERNAL_ERROR", exception.GetType().Name + ": " + exception.Message),
    };

    public static bool IsForeseen(Exception exception) =>
        exception is XenException or StorageException or IOException or UnauthorizedAccessException;

    private static XenFailure Backend(int number, string text) => new("SR_BACKEND_FAILURE_" + number, "", text, "");

    private static bool IsNoSpace(IOException exception) => (exception.HResult & 0xFFFF) is 28 or 122;
}
