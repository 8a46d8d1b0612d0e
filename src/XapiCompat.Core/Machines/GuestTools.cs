using XapiCompat.Store;

namespace XapiCompat.Core.Machines;

/// <summary>Writes down what guests' tools report, whenever they do.</summary>
public sealed class GuestTools(RecordStore store, IVmBackend backend, MachineRecords machine, CancellationToken stopping)
{
    /// <summary>
    /// Starts to listen to a guest that has just begun to run. What it says at once is given to the caller, for the commit
    /// of the start; what it says later is written when it comes.
    /// </summary>
    public GuestReport? Listen(DomainSpec spec, string vm, long domid)
    {
        var report = backend.WaitForGuestAsync(spec, stopping);
        if (report.IsCompletedSuccessfully)
            return report.Result;
        _ = WriteLaterAsync(report.AsTask(), vm, domid);
        return null;
    }

    private async Task WriteLaterAsync(Task<GuestReport?> report, string vm, long domid)
    {
        try
        {
            if (await report is not { } said)
                return;
            store.Commit(unit =>
            {
                if (unit.Find(vm) is { } record && record.Int("domid") == domid)
                    machine.Reported(unit, vm, said);
            });
        }
        catch (Exception e) when (e is OperationCanceledException or ObjectDisposedException)
        {
            // The server ends; the next start asks the guest again.
        }
    }
}
