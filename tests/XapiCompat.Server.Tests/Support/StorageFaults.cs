using XapiCompat.Storage;

namespace XapiCompat.Server.Tests.Support;

/// <summary>Which call to storage fails next, or stands still until the test lets it go on.</summary>
public sealed class StorageFaults
{
    private readonly Lock _lock = new();
    private string? _operation;
    private int _left;
    private Func<Exception>? _error;
    private StoragePause? _pause;

    /// <summary>Lets the call number <paramref name="number"/> (from 1) of an operation fail, once.</summary>
    public void Fail(string operation, int number, Func<Exception> error) => Set(operation, number, error, null);

    /// <summary>Lets the call number <paramref name="number"/> (from 1) of an operation wait for the result's disposal.</summary>
    public StoragePause Pause(string operation, int number)
    {
        var pause = new StoragePause();
        Set(operation, number, null, pause);
        return pause;
    }

    public static Exception Full() => new StorageException(StorageFault.NoSpace, "There is insufficient space");

    internal async ValueTask CheckAsync(string operation, CancellationToken cancellationToken)
    {
        StoragePause? pause;
        lock (_lock)
        {
            if (operation != _operation || --_left != 0)
                return;
            _operation = null;
            if (_error is not null)
                throw _error();
            pause = _pause;
        }

        await pause!.WaitAsync(cancellationToken);
    }

    private void Set(string operation, int number, Func<Exception>? error, StoragePause? pause)
    {
        lock (_lock)
            (_operation, _left, _error, _pause) = (operation, number, error, pause);
    }
}
