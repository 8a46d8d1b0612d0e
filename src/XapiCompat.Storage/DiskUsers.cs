namespace XapiCompat.Storage;

/// <summary>Who uses a disk right now. Counters are guarded by the lock of the owning <see cref="DiskTable"/>.</summary>
internal sealed class DiskUsers(string key)
{
    public string Key { get; } = key;

    public DiskGate Gate { get; } = new();

    /// <summary>Taken around opening, switching and closing <see cref="Writer"/>. Order: gate, this, the SR's change lock.</summary>
    public SemaphoreSlim Switching { get; } = new(1, 1);

    /// <summary>One device under all writable datapaths: two of them would overwrite each other's block maps.</summary>
    public SwitchableDevice? Writer { get; set; }

    public int Writers { get; set; }

    public int Readers { get; set; }

    /// <summary>Holds and flushes, which keep this entry alive without being datapaths.</summary>
    public int Visitors { get; set; }

    /// <summary>Set while the volume is destroyed or resized; whoever wants to open it waits for the end.</summary>
    public TaskCompletionSource? Claim { get; set; }

    public bool HasDatapaths => Writers + Readers > 0;

    public bool IsIdle => Writers + Readers + Visitors == 0 && Claim is null;
}
