namespace XapiCompat.Server.HttpActions;

/// <summary>
/// Cancels when a count stands still for too long. It asks for the count now and then, so that moving bytes cost nothing.
/// </summary>
internal sealed class IdleWatchdog : IDisposable
{
    private readonly TimeProvider _time;
    private readonly TimeSpan _timeout;
    private readonly Func<long> _count;
    private readonly CancellationTokenSource _expired = new();
    private readonly ITimer _timer;
    private long _lastCount = -1;
    private long _lastMove;

    /// <param name="timeout">Infinite for never.</param>
    public IdleWatchdog(TimeProvider time, TimeSpan timeout, Func<long> count)
    {
        (_time, _timeout, _count) = (time, timeout, count);
        _lastMove = time.GetTimestamp();
        var period = timeout == Timeout.InfiniteTimeSpan
            ? timeout
            : TimeSpan.FromMilliseconds(Math.Clamp(timeout.TotalMilliseconds / 8, 20, 30_000));
        _timer = time.CreateTimer(static state => ((IdleWatchdog)state!).Look(), this, period, period);
    }

    public CancellationToken Expired => _expired.Token;

    // The source is not disposed: a callback may still be under way.
    public void Dispose() => _timer.Dispose();

    private void Look()
    {
        var count = _count();
        if (count != _lastCount)
            (_lastCount, _lastMove) = (count, _time.GetTimestamp());
        else if (_time.GetElapsedTime(_lastMove) >= _timeout)
            _ = _expired.CancelAsync();
    }
}
