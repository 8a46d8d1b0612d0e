using System.Globalization;
using XapiCompat.Core.Dispatch;
using XapiCompat.Store;
using XapiCompat.Values;

namespace XapiCompat.Core.Services;

/// <summary>
/// Runs snapshot schedules: snapshots of all VMs of a schedule, then the oldest ones above the number to keep go with their disks.
/// Snapshots are named <c>VM-20250131T235959Z</c>. Times that passed while the server was down are left out.
/// </summary>
public sealed class VmssService(RecordStore store, VmCopyService copies, VmService vms, VdiService vdis, MessageService messages, TimeProvider clock)
{
    private DateTimeOffset _looked = Local(clock, clock.GetUtcNow());

    /// <summary>Called now and then by the housekeeping: runs what has become due since the last call.</summary>
    public async ValueTask RunDueAsync(CancellationToken cancellationToken)
    {
        var (from, now) = (_looked, Local(clock, clock.GetUtcNow()));
        _looked = now;
        foreach (var vmss in store.Current.All(store.Model.Class("VMSS")).Where(v => v.Flag("enabled") && VmssSchedule.IsDue(v, from, now)).ToList())
            await RunAsync(Context(vmss, cancellationToken), vmss);
    }

    /// <summary>Snapshots every VM of the schedule; a VM that fails does not keep the others from it.</summary>
    /// <returns>The first failure, or null.</returns>
    public async ValueTask<XenFailure?> RunAsync(CallContext context, Record vmss)
    {
        XenFailure? failure = null;
        foreach (var vm in DeviceRecords.Devices(store.Current, vmss, "VMs"))
        {
            try
            {
                await SnapshotAsync(context, vmss, vm);
                await PruneAsync(context, vm.Reference, (int)vmss.Int("retained_snapshots"));
            }
            catch (XenException e)
            {
                failure ??= e.Failure;
            }
        }

        store.Commit(unit =>
        {
            if (unit.Find(vmss.Reference) is null)
                return;
            unit.Set(vmss.Reference, "last_run_time", XenDate.Format(clock.GetUtcNow()));
            var name = vmss.Text("name_label");
            if (failure is null)
                messages.Add(unit, "VMSS_SNAPSHOT_SUCCEEDED", 5, "VMSS", vmss.Uuid, name + ": all snapshots made");
            else
                messages.Add(unit, "VMSS_SNAPSHOT_FAILED", 3, "VMSS", vmss.Uuid, name + ": " + failure);
        });
        return failure;
    }

    private async ValueTask SnapshotAsync(CallContext context, Record vmss, Record vm)
    {
        var type = vmss.Text("type");
        if (type == "snapshot_with_quiesce")
            throw new XenException("VM_SNAPSHOT_WITH_QUIESCE_NOT_SUPPORTED", vm.Reference);

        // A VM that is off has no memory to save.
        var operation = type == "checkpoint" && vm.Text("power_state") != "Halted" ? "checkpoint" : "snapshot";
        var name = vm.Text("name_label") + "-" + clock.GetUtcNow().ToString("yyyyMMdd'T'HHmmss'Z'", CultureInfo.InvariantCulture);
        await copies.RunAsync(context, vm.Ref, new(operation, name, Scheduled: true));
    }

    private async ValueTask PruneAsync(CallContext context, string vm, int retained)
    {
        var scheduled = store.Current.Get("VM", vm).Set("snapshots").Select(store.Current.Find).OfType<Record>()
            .Where(s => s.Flag("is_vmss_snapshot"))
            .OrderByDescending(s => s.Text("snapshot_time"), StringComparer.Ordinal).ThenByDescending(s => s.Created)
            .Skip(retained)
            .ToList();
        foreach (var snapshot in scheduled)
        {
            var disks = DeviceRecords.Devices(store.Current, snapshot, "VBDs").Where(v => v.Text("type") == "Disk").Select(v => v.Target("VDI"))
                .Append(snapshot.Target("suspend_VDI"))
                .ToList();
            await vms.DestroyAsync(context, snapshot.Ref);
            foreach (var disk in disks.Where(d => store.Current.Find(d) is { Class.Name: "VDI" }))
                await vdis.DestroyAsync(context, new(disk));
        }
    }

    private static CallContext Context(Record vmss, CancellationToken cancellationToken) =>
        new("", null, "DummyRef:|schedule|" + vmss.Reference, _ => { }, cancellationToken);

    private static DateTimeOffset Local(TimeProvider clock, DateTimeOffset time) => TimeZoneInfo.ConvertTime(time, clock.LocalTimeZone);
}
