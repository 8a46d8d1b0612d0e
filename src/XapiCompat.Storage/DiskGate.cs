namespace XapiCompat.Storage;

/// <summary>
/// The gate of one disk: many writers at a time, or one holder and no writer. A holder that waits keeps new writers
/// out, so that a busy disk cannot put off its snapshot; writers that waited go before the next holder, so that a row of
/// snapshots cannot starve them. Readers never come here.
/// </summary>
public sealed class DiskGate
{
    private readonly Lock _lock = new();
    private readonly LinkedList<TaskCompletionSource> _waitingHolders = new();
    private readonly LinkedList<TaskCompletionSource> _waitingWriters = new();
    private int _writers;
    private bool _held;

    /// <summary>Lets a writer in; every successful call is paired with one <see cref="Leave"/>.</summary>
    public ValueTask EnterAsync(CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        LinkedListNode<TaskCompletionSource> place;
        lock (_lock)
        {
            if (!_held && _waitingHolders.Count == 0)
            {
                _writers++;
                return ValueTask.CompletedTask;
            }

            place = _waitingWriters.AddLast(NewWaiter());
        }

        return new ValueTask(WaitAsync(place, cancellationToken));
    }

    public void Leave()
    {
        lock (_lock)
        {
            _writers--;
            Advance();
        }
    }

    /// <summary>
    /// Returns when the last writer has left and no new one gets in until <see cref="Open"/>; every successful call is
    /// paired with one.
    /// </summary>
    public ValueTask HoldAsync(CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        LinkedListNode<TaskCompletionSource> place;
        lock (_lock)
        {
            if (!_held && _writers == 0 && _waitingHolders.Count == 0)
            {
                _held = true;
                return ValueTask.CompletedTask;
            }

            place = _waitingHolders.AddLast(NewWaiter());
        }

        return new ValueTask(WaitAsync(place, cancellationToken));
    }

    /// <summary>Ends a hold.</summary>
    public void Open()
    {
        lock (_lock)
        {
            _held = false;
            AdmitWriters();
            Advance();
        }
    }

    private static TaskCompletionSource NewWaiter() => new(TaskCreationOptions.RunContinuationsAsynchronously);

    private async Task WaitAsync(LinkedListNode<TaskCompletionSource> place, CancellationToken cancellationToken)
    {
        await using (cancellationToken.Register(() => GiveUp(place, cancellationToken)))
        {
            await place.Value.Task;
        }
    }

    private void GiveUp(LinkedListNode<TaskCompletionSource> place, CancellationToken cancellationToken)
    {
        lock (_lock)
        {
            // Out of its list means admitted already: then the caller owns a place and must give it back itself.
            if (place.List is null)
                return;
            place.List.Remove(place);
            place.Value.SetCanceled(cancellationToken);
            Advance();
        }
    }

    private void Advance()
    {
        if (_held)
            return;
        if (_waitingHolders.First is not { } next)
        {
            AdmitWriters();
        }
        else if (_writers == 0)
        {
            _held = true;
            _waitingHolders.Remove(next);
            next.Value.SetResult();
        }
    }

    private void AdmitWriters()
    {
        while (_waitingWriters.First is { } next)
        {
            _writers++;
            _waitingWriters.Remove(next);
            next.Value.SetResult();
        }
    }
}
