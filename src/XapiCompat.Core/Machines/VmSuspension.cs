using XapiCompat.Core.Dispatch;
using XapiCompat.Core.Operations;
using XapiCompat.Core.Services;
using XapiCompat.Storage;
using XapiCompat.Store;
using XapiCompat.Values;

namespace XapiCompat.Core.Machines;

/// <summary>Suspend and resume: the guest's state goes to a disk of its own and comes back.</summary>
public sealed class VmSuspension(
    RecordStore store, OperationGuard guard, IVmBackend backend, MachineRecords machine, SuspendImages images, VmPower power, DomainDisks disks, VmMessages messages)
{
    public async ValueTask SuspendAsync(CallContext context, Ref vm)
    {
        await using var scope = await guard.BeginAsync(context, [new("VM", vm.Text, "suspend")], unit => unit.Set(vm.Text, "ha_always_run", false));
        await SaveAsync(context, vm, scope, unit => messages.Suspended(unit, vm));
    }

    public async ValueTask ResumeAsync(CallContext context, Ref vm, Ref? on, bool paused)
    {
        store.Current.Get("VM", vm);
        if (on is { } asked)
            store.Current.Get("host", asked);
        await using var scope = await guard.BeginAsync(context, records => VmMarks.WithDevices(records, vm, on is null ? "resume" : "resume_on", interfaces: false));
        await RestoreAsync(context, vm, on, paused, scope, unit => messages.Resumed(unit, vm));
    }

    /// <summary>Suspends under marks that the caller has.</summary>
    /// <param name="scope">Ended in the commit that makes the VM Suspended; null when the caller goes on.</param>
    /// <param name="written">Part of that commit too.</param>
    public async ValueTask SaveAsync(CallContext context, Ref vm, OperationScope? scope, Action<UnitOfWork>? written = null)
    {
        var domain = power.Domain(vm);
        var image = await images.CreateAsync(context.Part(0, 0.1), store.Current.Get("VM", vm));
        try
        {
            await using (var device = await images.OpenAsync(image, DatapathMode.ReadWrite, context.Cancellation))
                await VmPower.AskGuestAsync(vm, () => backend.SuspendAsync(domain, device, VmPower.Work(context.Part(0.1, 1))));
            await images.RefreshAsync(image, CancellationToken.None);
            power.CommitOnSame(vm, domain, "running", Suspend, scope);
        }
        catch
        {
            await DropAsync(vm);
            throw;
        }

        void Suspend(UnitOfWork unit)
        {
            MachineRecords.Suspended(unit, vm.Text);
            written?.Invoke(unit);
        }
    }

    /// <summary>Resumes under marks that the caller has.</summary>
    /// <param name="written">Part of the commit that makes the VM run.</param>
    public async ValueTask RestoreAsync(CallContext context, Ref vm, Ref? on, bool paused, OperationScope? scope, Action<UnitOfWork>? written = null)
    {
        var image = store.Current.Get("VM", vm).Target("suspend_VDI");
        if (store.Current.Find(image) is not { Class.Name: "VDI" })
        {
            store.Commit(unit =>
            {
                unit.Set(vm.Text, "suspend_VDI", Ref.Null.Text);
                MachineRecords.Halted(unit, vm.Text);
                scope?.End(unit);
            });
            throw new XenException("VM_HAS_NO_SUSPEND_VDI", "VM", vm.Text);
        }

        var host = store.Commit(unit =>
        {
            if (DiskSharing.Conflict(unit, unit.Get("VM", vm)) is { } conflict)
                throw conflict.AsException();
            return HostReservation.Take(unit, context, vm.Text, on?.Text, "vm_resume");
        });
        try
        {
            await BuildAsync(context, vm, host, image, paused, scope, written);
        }
        finally
        {
            store.Commit(unit => HostReservation.Release(unit, context, vm.Text, host));
        }
    }

    private async ValueTask BuildAsync(CallContext context, Ref vm, string host, string image, bool paused, OperationScope? scope, Action<UnitOfWork>? written)
    {
        var record = store.Current.Get("VM", vm);
        var spec = DomainSpecs.Of(store.Current, record, store.Current.Get("host", host));
        await disks.AssertPresentAsync(record, context.Cancellation);
        long domid;
        await using (var device = await images.OpenAsync(image, DatapathMode.Read, context.Cancellation))
            domid = await backend.ResumeAsync(spec, device, paused, VmPower.Work(context));
        var known = store.Current.Find(record.Target("guest_metrics")) is not null;
        var report = known || paused ? null : power.Listen(vm.Text, domid);
        var remove = store.Commit(unit =>
        {
            if (unit.Get("VM", vm).Text("ha_restart_priority") == "restart")
                unit.Set(vm.Text, "ha_always_run", true);
            machine.Resumed(unit, vm.Text, host, domid, paused);
            if (known)
                unit.Set(record.Target("guest_metrics"), "live", true);
            if (report is not null)
                machine.Reported(unit, vm.Text, report);
            var drop = images.Drop(unit, vm.Text);
            HostReservation.Release(unit, context, vm.Text, host);
            written?.Invoke(unit);
            scope?.End(unit);
            return drop;
        });
        await remove();
    }

    private async ValueTask DropAsync(Ref vm)
    {
        Func<ValueTask>? remove = null;
        store.Commit(unit =>
        {
            if (unit.Find(vm.Text) is not null)
                remove = images.Drop(unit, vm.Text);
        });
        if (remove is not null)
            await remove();
    }
}
