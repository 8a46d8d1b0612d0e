using XapiCompat.Disks;

namespace XapiCompat.Core.Exports;

/// <summary>A disk that is offered to NBD clients under a name until it is taken back. All connections use one device.</summary>
public sealed class LiveExport : IAsyncDisposable
{
    private readonly Lock _lock = new();
    private readonly CancellationTokenSource _ending = new();
    private readonly TaskCompletionSource _unused = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private int _connections;
    private bool _ended;

    internal LiveExport(string name, string vdi, string vdiUuid, bool writable, IBlockDevice device, DateTimeOffset started)
    {
        Name = name;
        Vdi = vdi;
        VdiUuid = vdiUuid;
        Writable = writable;
        Device = device;
        Started = started;
    }

    public string Name { get; }

    /// <summary>Reference of the disk.</summary>
    public string Vdi { get; }

    public string VdiUuid { get; }

    public bool Writable { get; }

    public IBlockDevice Device { get; }

    public DateTimeOffset Started { get; }

    /// <summary>How many clients have it open.</summary>
    public int Connections => Volatile.Read(ref _connections);

    /// <summary>Cancelled when the export ends.</summary>
    public CancellationToken Ending => _ending.Token;

    /// <summary>Counts a connection; false when the export has ended. Each true is followed by one <see cref="Leave"/>.</summary>
    public bool TryEnter()
    {
        lock (_lock)
        {
            if (_ended)
                return false;
            _connections++;
            return true;
        }
    }

    public void Leave()
    {
        lock (_lock)
        {
            if (--_connections == 0 && _ended)
                _unused.TrySetResult();
        }
    }

    /// <summary>Tells the connections to end and waits for them, then closes the device.</summary>
    public async ValueTask DisposeAsync()
    {
        lock (_lock)
        {
            _ended = true;
            if (_connections == 0)
                _unused.TrySetResult();
        }

        await _ending.CancelAsync();
        await _unused.Task;
        await Device.DisposeAsync();
        _ending.Dispose();
    }
}
