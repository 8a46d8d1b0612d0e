namespace XapiCompat.Storage;

/// <summary>Opening and closing datapaths.</summary>
public sealed partial class AttachedSr
{
    /// <summary>
    /// Opens a datapath. All writable ones of a volume share one device and go on across snapshots; a read-only one
    /// keeps the state of its opening for as long as nobody writes to the volume.
    /// </summary>
    public async ValueTask<GatedBlockDevice> OpenAsync(string key, DatapathMode mode, CancellationToken cancellationToken)
    {
        var disk = await _disks.RegisterAsync(key, mode, cancellationToken);
        try
        {
            var device = mode == DatapathMode.ReadWrite
                ? await OpenWriterAsync(disk, cancellationToken)
                : new SwitchableDevice(await sr.OpenAsync(key, mode, cancellationToken));
            return new GatedBlockDevice(key, mode, device, disk.Gate, () => CloseAsync(disk, mode, device));
        }
        catch
        {
            await CloseAsync(disk, mode, null);
            throw;
        }
    }

    private async ValueTask<SwitchableDevice> OpenWriterAsync(DiskUsers disk, CancellationToken cancellationToken)
    {
        // Through the gate: opened in the middle of a switch, the device would write to what has become a base.
        await disk.Gate.EnterAsync(cancellationToken);
        try
        {
            await disk.Switching.WaitAsync(cancellationToken);
            try
            {
                return disk.Writer ??= new SwitchableDevice(await sr.OpenAsync(disk.Key, DatapathMode.ReadWrite, cancellationToken));
            }
            finally
            {
                disk.Switching.Release();
            }
        }
        finally
        {
            disk.Gate.Leave();
        }
    }

    private async ValueTask CloseAsync(DiskUsers disk, DatapathMode mode, SwitchableDevice? device)
    {
        if (mode == DatapathMode.Read)
        {
            try
            {
                if (device is not null)
                    await device.CloseAsync();
            }
            finally
            {
                _disks.Unregister(disk, mode);
            }

            return;
        }

        await disk.Switching.WaitAsync(CancellationToken.None);
        try
        {
            if (_disks.Writers(disk) == 1 && disk.Writer is { } writer)
            {
                disk.Writer = null;
                await writer.CloseAsync();
            }
        }
        finally
        {
            _disks.Unregister(disk, mode);
            disk.Switching.Release();
        }
    }
}
