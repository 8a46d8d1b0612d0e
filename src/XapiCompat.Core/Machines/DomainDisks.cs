using XapiCompat.Core.Services;
using XapiCompat.Store;

namespace XapiCompat.Core.Machines;

/// <summary>
/// The volumes behind a VM's disks. They are looked at before a start but not held open: a simulated guest does no I/O,
/// and what its disks exclude follows from the attached VBDs.
/// </summary>
public sealed class DomainDisks(RecordStore store, StorageHost storage)
{
    /// <summary>Throws what a failed attach gives when a volume is missing, such as an ISO file that went away.</summary>
    public async ValueTask AssertPresentAsync(Record vm, CancellationToken cancellationToken)
    {
        foreach (var vbd in vm.Set("VBDs").Select(store.Current.Find).OfType<Record>().Where(v => !v.Flag("empty")))
        {
            var vdi = store.Current.Get("VDI", vbd.Target("VDI"));
            if (store.Current.Find(vdi.Target("SR")) is not { } sr || storage.TryAttached(sr) is not { } attached)
                continue;
            try
            {
                await attached.StatVolumeAsync(vdi.Text("location"), cancellationToken);
            }
            catch (Exception e) when (StorageErrors.IsForeseen(e))
            {
                throw StorageErrors.Translate(e, sr.Reference, vdi.Reference, "attach").AsException();
            }
        }
    }
}
