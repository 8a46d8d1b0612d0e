namespace XapiCompat.Storage;

/// <summary>The end of an attachment.</summary>
public sealed partial class AttachedSr
{
    /// <summary>
    /// Closes the SR to new datapaths when nobody has one open. From then on opening fails with
    /// <see cref="StorageFault.SrUnavailable"/>, and disposing cuts nobody.
    /// </summary>
    /// <returns>The keys of volumes with open datapaths; empty when the SR is closed.</returns>
    public IReadOnlyList<string> TryClose() => _disks.TryClose();

    /// <summary>Takes a <see cref="TryClose"/> back.</summary>
    public void Reopen() => _disks.Reopen();

    /// <summary>Detaches. The host closes the datapaths first; one that is still open may fail from now on.</summary>
    public async ValueTask DisposeAsync()
    {
        await EndCollectingAsync();

        // A change that is under way ends first; the lock itself holds nothing that would have to be freed.
        await _changes.WaitAsync();
        try
        {
            await sr.DisposeAsync();
        }
        finally
        {
            _changes.Release();
        }
    }
}
