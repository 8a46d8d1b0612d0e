namespace XapiCompat.Nbd.Tests.Support;

/// <summary>Time that moves when a test says so; timers fire when their time comes.</summary>
public sealed class StoppedClock : TimeProvider
{
    private readonly Lock _lock = new();
    private readonly List<StoppedTimer> _timers = [];
    private TimeSpan _now;

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        var timer = new StoppedTimer(this, () => callback(state));
        timer.Change(dueTime, period);
        lock (_lock)
            _timers.Add(timer);
        return timer;
    }

    public void Advance(TimeSpan step)
    {
        List<StoppedTimer> due;
        lock (_lock)
        {
            _now += step;
            due = [.. _timers.Where(t => t.Due <= _now)];
            due.ForEach(t => t.Due = TimeSpan.MaxValue);
        }

        due.ForEach(t => t.Fire());
    }

    private sealed class StoppedTimer(StoppedClock clock, Action fire) : ITimer
    {
        public TimeSpan Due { get; set; } = TimeSpan.MaxValue;

        public void Fire() => fire();

        public bool Change(TimeSpan dueTime, TimeSpan period)
        {
            lock (clock._lock)
                Due = dueTime < TimeSpan.Zero ? TimeSpan.MaxValue : clock._now + dueTime;
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
