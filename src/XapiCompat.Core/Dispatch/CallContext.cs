using XapiCompat.Store;
using XapiCompat.Values;

namespace XapiCompat.Core.Dispatch;

/// <summary>Who calls, on whose behalf, under which task.</summary>
public sealed class CallContext
{
    private readonly Action<double> _progress;

    public CallContext(string session, Record? sessionRecord, string task, Action<double> progress, CancellationToken cancellation)
    {
        Session = session;
        SessionRecord = sessionRecord;
        Task = task;
        _progress = progress;
        Cancellation = cancellation;
    }

    /// <summary>The session's reference; empty for calls that need none.</summary>
    public string Session { get; }

    public Record? SessionRecord { get; }

    /// <summary>Where the call comes from.</summary>
    public CallOrigin Origin { get; init; } = CallOrigin.Unknown;

    /// <summary>The call's task, the key in current_operations; <c>DummyRef:</c> when it is not stored.</summary>
    public string Task { get; }

    /// <summary>Cancelled by task.cancel, by a vanished caller of a synchronous call, and at shutdown.</summary>
    public CancellationToken Cancellation { get; }

    /// <summary>True when <see cref="Task"/> is a stored task.</summary>
    public bool HasStoredTask => Task.StartsWith(Ref.Prefix, StringComparison.Ordinal);

    /// <summary>Progress of the task, 0 to 1.</summary>
    public void Progress(double fraction) => _progress(fraction);

    /// <summary>The same caller and task for work that must come to its end: it is not cancelled and shows no progress.</summary>
    public CallContext Detached() => new(Session, SessionRecord, Task, _ => { }, CancellationToken.None) { Origin = Origin };

    /// <summary>A context for a part of the work, whose progress fills a part of the task's.</summary>
    public CallContext Part(double from, double to) =>
        new(Session, SessionRecord, Task, f => _progress(from + ((to - from) * f)), Cancellation) { Origin = Origin };
}
