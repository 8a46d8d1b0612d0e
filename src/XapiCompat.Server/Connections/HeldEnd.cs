namespace XapiCompat.Server.Connections;

/// <summary>
/// Lets a handler learn of the end of input before HTTP does. HTTP cuts the connection as soon as it sees a body end
/// early, and a client that then asks for its task would find it still pending.
/// </summary>
internal sealed class HeldEnd
{
    private readonly Lock _gate = new();
    private Action? _ended;
    private TaskCompletionSource<bool>? _waiter;

    public bool IsHeld
    {
        get
        {
            lock (_gate)
                return _ended is not null;
        }
    }

    /// <summary>From now on the end of input is told to <paramref name="ended"/> only, until <see cref="Release"/>.</summary>
    public void Hold(Action ended)
    {
        lock (_gate)
            _ended = ended;
    }

    public void Release()
    {
        lock (_gate)
            _ended = null;
        Wake(cancelled: false);
    }

    /// <summary>Ends a wait; false when nobody waits.</summary>
    public bool Cancel() => Wake(cancelled: true);

    /// <summary>At the end of input: false when it may be shown, true when the wait was cancelled.</summary>
    public ValueTask<bool> WaitAsync()
    {
        Action ended;
        Task<bool> wait;
        lock (_gate)
        {
            if (_ended is null)
                return new ValueTask<bool>(false);
            ended = _ended;
            _waiter = new TaskCompletionSource<bool>(TaskCreationOptions.RunContinuationsAsynchronously);
            wait = _waiter.Task;
        }

        ended();
        return new ValueTask<bool>(wait);
    }

    private bool Wake(bool cancelled)
    {
        TaskCompletionSource<bool>? waiter;
        lock (_gate)
            (waiter, _waiter) = (_waiter, null);
        return waiter?.TrySetResult(cancelled) ?? false;
    }
}
