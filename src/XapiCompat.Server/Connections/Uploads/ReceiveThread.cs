using System.Collections.Concurrent;

namespace XapiCompat.Server.Connections.Uploads;

/// <summary>
/// A thread for one piece of asynchronous work: what the work awaits goes on here, so that it may block in between without
/// taking a thread from the pool.
/// </summary>
internal sealed class ReceiveThread : SynchronizationContext
{
    private readonly BlockingCollection<(SendOrPostCallback Callback, object? State)> _posted = [];

    private ReceiveThread()
    {
    }

    /// <summary>Whether the caller runs on such a thread, in the work's own flow.</summary>
    public static bool IsCurrent => Current is ReceiveThread;

    public static Task<T> RunAsync<T>(Func<ValueTask<T>> work)
    {
        var outcome = new TaskCompletionSource<T>(TaskCreationOptions.RunContinuationsAsynchronously);
        new Thread(() => new ReceiveThread().Run(work, outcome)) { IsBackground = true, Name = "upload" }.Start();
        return outcome.Task;
    }

    public override void Post(SendOrPostCallback d, object? state)
    {
        try
        {
            _posted.Add((d, state));
        }
        catch (InvalidOperationException)
        {
            // The work is over; this is something that it left behind.
            ThreadPool.QueueUserWorkItem(_ => d(state));
        }
    }

    private void Run<T>(Func<ValueTask<T>> work, TaskCompletionSource<T> outcome)
    {
        SetSynchronizationContext(this);
        _ = CompleteAsync(work, outcome);
        foreach (var (callback, state) in _posted.GetConsumingEnumerable())
            callback(state);
    }

    private async Task CompleteAsync<T>(Func<ValueTask<T>> work, TaskCompletionSource<T> outcome)
    {
        try
        {
            outcome.SetResult(await work());
        }
        catch (Exception e)
        {
            outcome.SetException(e);
        }
        finally
        {
            _posted.CompleteAdding();
        }
    }
}
