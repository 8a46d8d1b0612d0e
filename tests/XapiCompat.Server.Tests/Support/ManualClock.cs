namespace XapiCompat.Server.Tests.Support;

/// <summary>Time that stands still until a test moves it; timers fire when their time comes.</summary>
public sealed class ManualClock(DateTimeOffset start) : TimeProvider
{
    private static readonly TimeSpan HangCap = TimeSpan.FromSeconds(60);

    private readonly Lock _lock = new();
    private readonly List<ManualTimer> _timers = [];
    private DateTimeOffset _now = start;

    public override TimeZoneInfo LocalTimeZone => TimeZoneInfo.Utc;

    /// <summary>How many timers wait for their time.</summary>
    public int Waiting
    {
        get
        {
            lock (_lock)
                return _timers.Count(t => t.Due < DateTimeOffset.MaxValue);
        }
    }

    public override long TimestampFrequency => TimeSpan.TicksPerSecond;

    public override DateTimeOffset GetUtcNow()
    {
        lock (_lock)
            return _now;
    }

    public override long GetTimestamp() => GetUtcNow().UtcTicks;

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        var timer = new ManualTimer(this, callback, state);
        lock (_lock)
            _timers.Add(timer);
        timer.Change(dueTime, period);
        return timer;
    }

    /// <summary>Moves the time and fires what became due, each timer at most once.</summary>
    public void Advance(TimeSpan step)
    {
        List<ManualTimer> due;
        lock (_lock)
        {
            _now += step;
            due = [.. _timers.Where(t => t.Due <= _now)];
            foreach (var timer in due)
                timer.Due = timer.Period > TimeSpan.Zero ? _now + timer.Period : DateTimeOffset.MaxValue;
        }

        foreach (var timer in due)
            timer.Fire();
    }

    /// <summary>
    /// Lets time pass in steps until something is over: a timer may start a moment after what the test saw last.
    /// </summary>
    public async Task PassUntilAsync(Task end, TimeSpan step)
    {
        using var cap = new CancellationTokenSource(HangCap);
        while (!end.IsCompleted)
        {
            cap.Token.ThrowIfCancellationRequested();
            Advance(step);
            await Task.WhenAny(end, Task.Delay(5, CancellationToken.None));
        }
    }

    private sealed class ManualTimer(ManualClock clock, TimerCallback callback, object? state) : ITimer
    {
        public DateTimeOffset Due { get; set; } = DateTimeOffset.MaxValue;

        public TimeSpan Period { get; private set; }

        public void Fire() => callback(state);

        public bool Change(TimeSpan dueTime, TimeSpan period)
        {
            lock (clock._lock)
            {
                Period = period;
                Due = dueTime < TimeSpan.Zero ? DateTimeOffset.MaxValue : clock._now + dueTime;
            }

            return true;
        }

        public void Dispose()
        {
            lock (clock._lock)
                clock._timers.Remove(this);
        }

        public ValueTask DisposeAsync()
        {
            Dispose();
            return ValueTask.CompletedTask;
        }
    }
}
