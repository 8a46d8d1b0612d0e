using XapiCompat.Storage;

namespace XapiCompat.Server.Tests.Support;

/// <summary>Which call to storage fails next.</summary>
public sealed class StorageFaults
{
    private string? _operation;
    private int _left;
    private Func<Exception>? _error;

    /// <summary>Set to let writes to disks wait until it is completed.</summary>
    public TaskCompletionSource? Writes { get; set; }

    /// <summary>Lets the call number <paramref name="number"/> (from 1) of an operation fail, once.</summary>
    public void Fail(string operation, int number, Func<Exception> error) => (_operation, _left, _error) = (operation, number, error);

    public void Check(string operation)
    {
        if (operation != _operation || --_left != 0)
            return;
        _operation = null;
        throw _error!();
    }

    public static Exception Full() => new StorageException(StorageFault.NoSpace, "There is insufficient space");
}
