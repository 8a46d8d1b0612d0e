using XapiCompat.Nbd;
using XapiCompat.Nbd.Protocol;
using XapiCompat.Storage;

namespace XapiCompat.Server.Nbd;

/// <summary>Failures as NBD clients see them.</summary>
internal static class NbdErrors
{
    /// <summary>Of a device.</summary>
    public static NbdError OfDevice(Exception exception) => exception switch
    {
        StorageException { Fault: StorageFault.NoSpace } => NbdError.NoSpc,
        ArgumentOutOfRangeException => NbdError.Inval,
        _ => NbdSessionOptions.DefaultError(exception),
    };
}
