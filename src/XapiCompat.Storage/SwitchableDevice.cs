using XapiCompat.Disks;

namespace XapiCompat.Storage;

/// <summary>
/// A device that can be replaced under its users. Each call borrows the device of its moment; a replaced device is
/// disposed of when its last borrower has returned it.
/// </summary>
internal sealed class SwitchableDevice(IBlockDevice first)
{
    private readonly Lock _lock = new();
    private Slot? _current = new(first);
    private Exception? _fault;

    public long VirtualSize { get; } = first.VirtualSize;

    /// <summary>Every slot borrowed is paired with one <see cref="ReturnAsync"/>.</summary>
    public Slot Borrow()
    {
        lock (_lock)
        {
            if (_current is { } slot)
            {
                slot.Users++;
                return slot;
            }

            throw _fault is null
                ? new ObjectDisposedException(nameof(SwitchableDevice))
                : new IOException("The disk could not be reopened.", _fault);
        }
    }

    public ValueTask ReturnAsync(Slot slot)
    {
        lock (_lock)
        {
            if (--slot.Users > 0)
                return ValueTask.CompletedTask;
        }

        return slot.Device.DisposeAsync();
    }

    public ValueTask ReplaceAsync(IBlockDevice device) => PutAsync(new Slot(device), null);

    /// <summary>From now on every use fails with an <see cref="IOException"/> around <paramref name="fault"/>.</summary>
    public ValueTask BreakAsync(Exception fault) => PutAsync(null, fault);

    public ValueTask CloseAsync() => PutAsync(null, null);

    private ValueTask PutAsync(Slot? next, Exception? fault)
    {
        Slot? old;
        lock (_lock)
        {
            old = _current;
            _current = next;
            _fault = fault;
        }

        return old is null ? ValueTask.CompletedTask : ReturnAsync(old);
    }

    internal sealed class Slot(IBlockDevice device)
    {
        public IBlockDevice Device { get; } = device;

        /// <summary>Borrowers, and one for being the current device.</summary>
        public int Users { get; set; } = 1;
    }
}
