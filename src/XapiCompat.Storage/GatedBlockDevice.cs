using XapiCompat.Disks;

namespace XapiCompat.Storage;

/// <summary>
/// One open datapath of a disk. Writes pass the disk's <see cref="DiskGate"/>; reads, flushes and extents pass by.
/// While the gate is held, the device below may be switched to another leaf without the user noticing.
/// </summary>
public sealed class GatedBlockDevice : IBlockDevice
{
    private readonly SwitchableDevice _device;
    private readonly DiskGate _gate;
    private readonly Func<ValueTask> _close;
    private int _closed;

    internal GatedBlockDevice(string key, DatapathMode mode, SwitchableDevice device, DiskGate gate, Func<ValueTask> close)
    {
        Key = key;
        Mode = mode;
        _device = device;
        _gate = gate;
        _close = close;
    }

    /// <summary>The volume's key.</summary>
    public string Key { get; }

    public DatapathMode Mode { get; }

    public long VirtualSize => _device.VirtualSize;

    public async ValueTask ReadAsync(long offset, Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        var slot = Borrow();
        try
        {
            await slot.Device.ReadAsync(offset, buffer, cancellationToken);
        }
        finally
        {
            await _device.ReturnAsync(slot);
        }
    }

    public async ValueTask WriteAsync(long offset, ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
    {
        await EnterAsync(cancellationToken);
        try
        {
            var slot = Borrow();
            try
            {
                await slot.Device.WriteAsync(offset, buffer, cancellationToken);
            }
            finally
            {
                await _device.ReturnAsync(slot);
            }
        }
        finally
        {
            _gate.Leave();
        }
    }

    public async ValueTask ZeroAsync(long offset, long length, CancellationToken cancellationToken = default)
    {
        await EnterAsync(cancellationToken);
        try
        {
            var slot = Borrow();
            try
            {
                await slot.Device.ZeroAsync(offset, length, cancellationToken);
            }
            finally
            {
                await _device.ReturnAsync(slot);
            }
        }
        finally
        {
            _gate.Leave();
        }
    }

    public async ValueTask FlushAsync(CancellationToken cancellationToken = default)
    {
        var slot = Borrow();
        try
        {
            await slot.Device.FlushAsync(cancellationToken);
        }
        finally
        {
            await _device.ReturnAsync(slot);
        }
    }

    public async ValueTask<IReadOnlyList<Extent>> ExtentsAsync(long offset, long length, CancellationToken cancellationToken = default)
    {
        var slot = Borrow();
        try
        {
            return await slot.Device.ExtentsAsync(offset, length, cancellationToken);
        }
        finally
        {
            await _device.ReturnAsync(slot);
        }
    }

    /// <summary>Ends the datapath; no call of its user may be in flight. Data written is not flushed by this.</summary>
    public ValueTask DisposeAsync() => Interlocked.Exchange(ref _closed, 1) == 0 ? _close() : ValueTask.CompletedTask;

    private ValueTask EnterAsync(CancellationToken cancellationToken) => Mode == DatapathMode.ReadWrite
        ? _gate.EnterAsync(cancellationToken)
        : throw new InvalidOperationException("The datapath is read-only.");

    private SwitchableDevice.Slot Borrow()
    {
        ObjectDisposedException.ThrowIf(Volatile.Read(ref _closed) != 0, this);
        return _device.Borrow();
    }
}
