namespace XapiCompat.Core.Transfers;

/// <summary>
/// Many readers or one writer per disk, first come first served: an export shows one state although nobody snapshots
/// the disk, and two imports do not mix.
/// </summary>
internal sealed class TransferLocks
{
    private readonly Dictionary<string, Entry> _entries = new(StringComparer.Ordinal);

    public async ValueTask<IDisposable> AcquireAsync(string disk, bool exclusive, CancellationToken cancellationToken)
    {
        Waiter waiter;
        lock (_entries)
        {
            if (!_entries.TryGetValue(disk, out var entry))
                _entries[disk] = entry = new();
            waiter = new(exclusive);
            entry.Queue.AddLast(waiter);
            entry.Admit();
        }

        var hold = new Hold(this, disk, waiter);
        try
        {
            await waiter.Admitted.Task.WaitAsync(cancellationToken);
            return hold;
        }
        catch
        {
            hold.Dispose();
            throw;
        }
    }

    private void Release(string disk, Waiter waiter)
    {
        lock (_entries)
        {
            if (!_entries.TryGetValue(disk, out var entry) || !entry.Queue.Remove(waiter))
                return;
            if (entry.Queue.Count == 0)
                _entries.Remove(disk);
            else
                entry.Admit();
        }
    }

    private sealed class Entry
    {
        /// <summary>Holders first, then those who wait, in order of arrival.</summary>
        public LinkedList<Waiter> Queue { get; } = new();

        public void Admit()
        {
            var first = true;
            foreach (var waiter in Queue)
            {
                if (waiter.Exclusive && !first)
                    return;
                waiter.Admitted.TrySetResult();
                if (waiter.Exclusive)
                    return;
                first = false;
            }
        }
    }

    private sealed class Waiter(bool exclusive)
    {
        public bool Exclusive { get; } = exclusive;

        public TaskCompletionSource Admitted { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);
    }

    private sealed class Hold(TransferLocks locks, string disk, Waiter waiter) : IDisposable
    {
        public void Dispose() => locks.Release(disk, waiter);
    }
}
