namespace XapiCompat.Server.Tests.Support;

/// <summary>A call to storage that stands still.</summary>
public sealed class StoragePause : IDisposable
{
    private static readonly TimeSpan HangCap = TimeSpan.FromSeconds(60);

    private readonly TaskCompletionSource _reached = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource _released = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>Completes when the call is there.</summary>
    public Task Reached => _reached.Task.WaitAsync(HangCap);

    public void Dispose() => _released.TrySetResult();

    internal Task WaitAsync(CancellationToken cancellationToken)
    {
        _reached.TrySetResult();
        return _released.Task.WaitAsync(cancellationToken);
    }
}
