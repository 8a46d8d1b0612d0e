using XapiCompat.Core.Dispatch;
using XapiCompat.Core.Operations;
using XapiCompat.Core.Services;
using XapiCompat.Store;
using XapiCompat.Values;

namespace XapiCompat.Core.Machines;

/// <summary>Start, stop, reboot, pause: rules, domain and records of one call. Records change once, when the domain has.</summary>
public sealed class VmPower(
    RecordStore store, OperationGuard guard, IVmBackend backend, MachineRecords machine, GuestTools guests, SuspendImages images, DomainDisks disks, RunningTasks running, VmMessages messages, TimeProvider clock)
{
    private static readonly string[] EndedByShutdown = ["clean_shutdown", "clean_reboot", "hard_reboot", "pool_migrate", "call_plugin", "shutdown", "suspend"];
    private static readonly string[] EndedByReboot = ["clean_shutdown", "clean_reboot", "pool_migrate", "call_plugin", "suspend"];

    /// <param name="on">Null chooses a host.</param>
    /// <param name="force">Leaves out the checks of the memory settings.</param>
    public async ValueTask StartAsync(CallContext context, Ref vm, Ref? on, bool paused, bool force)
    {
        if (on is { } asked)
            AssertTakesGuests(store.Current.Get("VM", vm), store.Current.Get("host", asked));
        store.Current.Get("VM", vm);
        var host = "";
        await using var scope = await guard.BeginAsync(
            context,
            records => VmMarks.WithDevices(records, vm, on is null ? "start" : "start_on"),
            unit =>
            {
                if (!force)
                    AssertMemorySettings(unit.Get("VM", vm));
                host = HostReservation.Take(unit, context, vm.Text, on?.Text, "vm_start");
            });
        try
        {
            await BootAsync(context, vm.Text, host, paused, scope, unit => messages.Started(unit, vm));
        }
        finally
        {
            store.Commit(unit => HostReservation.Release(unit, context, vm.Text, host));
        }

        await DelayAsync(vm, "start_delay", context.Cancellation);
    }

    public async ValueTask PauseAsync(CallContext context, Ref vm)
    {
        await using var scope = await guard.BeginAsync(context, [new("VM", vm.Text, "pause")]);
        var domain = Domain(vm);
        await backend.PauseAsync(domain, Work(context));
        CommitOnSame(vm, domain, "running", Written, scope);

        void Written(UnitOfWork unit)
        {
            MachineRecords.Paused(unit, vm.Text, paused: true);
            messages.Paused(unit, vm);
        }
    }

    public async ValueTask UnpauseAsync(CallContext context, Ref vm)
    {
        await using var scope = await guard.BeginAsync(context, [new("VM", vm.Text, "unpause")]);
        var domain = Domain(vm);
        await backend.UnpauseAsync(domain, Work(context));
        var report = store.Current.Find(store.Current.Get("VM", vm).Target("guest_metrics")) is null ? Listen(vm.Text, domain.Domid) : null;
        CommitOnSame(
            vm,
            domain,
            "paused",
            unit =>
            {
                MachineRecords.Paused(unit, vm.Text, paused: false);
                messages.Unpaused(unit, vm);
                if (report is not null)
                    machine.Reported(unit, vm.Text, report);
            },
            scope);
    }

    public async ValueTask CleanShutdownAsync(CallContext context, Ref vm)
    {
        await using var scope = await guard.BeginAsync(context, [new("VM", vm.Text, "clean_shutdown")], unit => unit.Set(vm.Text, "ha_always_run", false));
        await StopAsync(context, vm, clean: true, scope, unit => messages.ShutDown(unit, vm, forced: false));
        await DelayAsync(vm, "shutdown_delay", context.Cancellation);
    }

    public async ValueTask HardShutdownAsync(CallContext context, Ref vm)
    {
        await using var scope = await guard.BeginAsync(context, [new("VM", vm.Text, "hard_shutdown")], unit => unit.Set(vm.Text, "ha_always_run", false));
        await running.EndAsync(context, vm, EndedByShutdown);
        await StopAsync(context, vm, clean: false, scope, unit => messages.ShutDown(unit, vm, forced: true));
        await DelayAsync(vm, "shutdown_delay", context.Cancellation);
    }

    /// <summary>Asks the guest first and ends the domain when it does not follow.</summary>
    public async ValueTask ShutdownAsync(CallContext context, Ref vm)
    {
        await using var scope = await guard.BeginAsync(context, [new("VM", vm.Text, "shutdown")], unit => unit.Set(vm.Text, "ha_always_run", false));
        var clean = store.Current.Get("VM", vm).Text("power_state") == "Running";
        try
        {
            await StopAsync(context, vm, clean, scope, Written);
        }
        catch (XenException) when (clean)
        {
            await StopAsync(context, vm, clean: false, scope, Written);
        }

        await DelayAsync(vm, "shutdown_delay", context.Cancellation);

        void Written(UnitOfWork unit) => messages.ShutDown(unit, vm, forced: false);
    }

    public async ValueTask CleanRebootAsync(CallContext context, Ref vm)
    {
        store.Current.Get("VM", vm);
        await using var scope = await guard.BeginAsync(context, records => VmMarks.WithDevices(records, vm, "clean_reboot"));
        await RebootAsync(context, vm, clean: true, scope, unit => messages.Rebooted(unit, vm, forced: false));
    }

    public async ValueTask HardRebootAsync(CallContext context, Ref vm)
    {
        await using var scope = await guard.BeginAsync(context, [new("VM", vm.Text, "hard_reboot")]);
        await running.EndAsync(context, vm, EndedByReboot);
        await using var devices = await guard.BeginAsync(context, records => VmMarks.Devices(records, vm, interfaces: true));
        switch (store.Current.Get("VM", vm).Text("power_state"))
        {
            // What was cancelled may have come to its end before.
            case "Halted":
                var host = "";
                store.Commit(unit => host = HostReservation.Take(unit, context, vm.Text, null, "vm_start"));
                try
                {
                    await BootAsync(context, vm.Text, host, paused: false, scope, Written);
                }
                finally
                {
                    store.Commit(unit => HostReservation.Release(unit, context, vm.Text, host));
                }

                break;
            case "Suspended":
                throw new XenException("VM_BAD_POWER_STATE", vm.Text, "running", "suspended");
            default:
                await RebootAsync(context, vm, clean: false, scope, Written);
                break;
        }

        void Written(UnitOfWork unit) => messages.Rebooted(unit, vm, forced: true);
    }

    /// <summary>A reboot that marks the devices only: what a host does when the guest itself has rebooted.</summary>
    public async ValueTask RebootUnmarkedAsync(CallContext context, Ref vm)
    {
        var record = store.Current.Get("VM", vm);
        if (record.Text("power_state") is not "Running")
            throw new XenException("VM_BAD_POWER_STATE", vm.Text, "running", record.Text("power_state").ToLowerInvariant());
        await using var devices = await guard.BeginAsync(context, records => VmMarks.Devices(records, vm, interfaces: true));
        await RebootAsync(context, vm, clean: false, devices, null);
    }

    /// <summary>Forgets a domain that its host can no more tell about; one that exists stays.</summary>
    public void Reset(Ref vm) => store.Commit(unit =>
    {
        var record = unit.Get("VM", vm);
        if (record.Flag("is_control_domain"))
            throw new XenException("CANNOT_RESET_CONTROL_DOMAIN", vm.Text);
        if (record.Text("power_state") is "Running" or "Paused" && unit.Find(record.Target("resident_on")) is { } host && HostPlacement.IsLive(unit, host))
        {
            var coordinator = unit.All(unit.Model.Class("pool")).FirstOrDefault()?.Target("master");
            throw host.Reference == coordinator ? new XenException("DOMAIN_EXISTS", vm.Text) : new XenException("HOST_IS_LIVE", host.Reference);
        }

        unit.Set(vm.Text, "current_operations", XenStruct.Empty);
        MachineRecords.Halted(unit, vm.Text);
    });

    /// <summary>
    /// Ends the VM's domain or drops its saved state, under marks that the caller has; ends <paramref name="scope"/> in
    /// the same commit. Nothing happens to a Halted VM.
    /// </summary>
    /// <param name="written">Part of that commit too.</param>
    public async ValueTask StopAsync(CallContext context, Ref vm, bool clean, OperationScope? scope, Action<UnitOfWork>? written = null)
    {
        var record = store.Current.Get("VM", vm);
        switch (record.Text("power_state"))
        {
            case "Suspended":
                AssertDisksReachable(record);
                var remove = store.Commit(unit =>
                {
                    var drop = images.Drop(unit, vm.Text);
                    MachineRecords.Halted(unit, vm.Text);
                    written?.Invoke(unit);
                    scope?.End(unit);
                    return drop;
                });
                await remove();
                break;
            case "Running" or "Paused":
                var domain = Domain(vm);
                await AskGuestAsync(vm, () => backend.ShutdownAsync(domain, clean, Work(context)));
                CommitOnSame(vm, domain, "running", Halt, scope);
                break;
        }

        void Halt(UnitOfWork unit)
        {
            MachineRecords.Halted(unit, vm.Text);
            written?.Invoke(unit);
        }
    }

    internal static DomainWork Work(CallContext context) => new(context.Progress, context.Cancellation);

    internal DomainHandle Domain(Ref vm) => DomainSpecs.Handle(store.Current, store.Current.Get("VM", vm));

    /// <summary>What the guest says at once after a step; later words are written when they come.</summary>
    internal GuestReport? Listen(string vm, long domid)
    {
        var record = store.Current.Get("VM", vm);
        var host = store.Current.Find(record.Target("resident_on")) ?? store.Current.Find(record.Target("scheduled_to_be_resident_on"));
        return host is null ? null : guests.Listen(DomainSpecs.Of(store.Current, record, host), vm, domid);
    }

    /// <summary>Writes the outcome of a step, unless the domain that it was about is gone meanwhile.</summary>
    internal void CommitOnSame(Ref vm, DomainHandle domain, string expected, Action<UnitOfWork> change, OperationScope? scope) => store.Commit(unit =>
    {
        var record = unit.Get("VM", vm);
        if (record.Int("domid") != domain.Domid)
            throw new XenException("VM_BAD_POWER_STATE", vm.Text, expected, record.Text("power_state").ToLowerInvariant());
        change(unit);
        scope?.End(unit);
    });

    internal static async ValueTask AskGuestAsync(Ref vm, Func<ValueTask> step)
    {
        try
        {
            await step();
        }
        catch (DomainException e)
        {
            throw new XenException(e.Fault == DomainFault.SuspendNotAcknowledged ? "VM_FAILED_SUSPEND_ACKNOWLEDGMENT" : "VM_FAILED_SHUTDOWN_ACKNOWLEDGMENT", vm.Text);
        }
    }

    private async ValueTask BootAsync(CallContext context, string vm, string host, bool paused, OperationScope scope, Action<UnitOfWork> written)
    {
        var spec = DomainSpecs.Of(store.Current, store.Current.Get("VM", vm), store.Current.Get("host", host));
        await disks.AssertPresentAsync(store.Current.Get("VM", vm), context.Cancellation);
        var domid = await backend.StartAsync(spec, paused, Work(context));
        var report = paused ? null : guests.Listen(spec, vm, domid);
        store.Commit(unit =>
        {
            var record = unit.Get("VM", vm);
            if (record.Text("ha_restart_priority") == "restart")
                unit.Set(vm, "ha_always_run", true);
            if (spec.DomainType != "pv" && !record.Map("platform").Contains("device-model"))
                unit.Set(vm, "platform", record.Map("platform").With("device-model", DomainTypes.IsUefi(record) ? "qemu-upstream-uefi" : "qemu-upstream-compat"));
            machine.Started(unit, vm, host, domid, paused);
            if (report is not null)
                machine.Reported(unit, vm, report);
            HostReservation.Release(unit, context, vm, host);
            written(unit);
            if (record.Int("start_delay") == 0)
                scope.End(unit);
        });
    }

    /// <summary>Boots a running guest anew, under marks that the caller has.</summary>
    internal ValueTask RestartAsync(CallContext context, Ref vm, OperationScope scope) => RebootAsync(context, vm, clean: false, scope, null);

    private async ValueTask RebootAsync(CallContext context, Ref vm, bool clean, OperationScope scope, Action<UnitOfWork>? written)
    {
        var record = store.Current.Get("VM", vm);
        var domain = Domain(vm);
        var spec = DomainSpecs.Of(store.Current, record, store.Current.Get("host", record.Target("resident_on")));
        long domid = 0;
        await AskGuestAsync(vm, async () => domid = await backend.RebootAsync(spec, domain, clean, Work(context)));
        var report = guests.Listen(spec, vm.Text, domid);
        CommitOnSame(
            vm,
            domain,
            "running",
            unit =>
            {
                machine.Rebooted(unit, vm.Text, domid);
                if (report is not null)
                    machine.Reported(unit, vm.Text, report);
                written?.Invoke(unit);
            },
            scope);
    }

    private static void AssertTakesGuests(Record vm, Record host)
    {
        if (vm.Flag("is_control_domain") && !new Ref(vm.Target("affinity")).IsNull && vm.Target("affinity") != host.Reference)
            throw new XenException("OPERATION_NOT_ALLOWED", "a control domain starts on its own host only");
        if (HostPlacement.Evacuates(host))
            throw new XenException("HOST_EVACUATE_IN_PROGRESS", host.Reference);
    }

    private static void AssertMemorySettings(Record vm)
    {
        if (vm.Map("platform")["nested-virt"]?.ToString() is not ("true" or "1"))
            return;
        var (dynamicMin, dynamicMax, staticMax) = (vm.Int("memory_dynamic_min"), vm.Int("memory_dynamic_max"), vm.Int("memory_static_max"));
        if (vm.Int("memory_static_min") > dynamicMin || dynamicMin > dynamicMax || dynamicMax > staticMax)
            throw new XenException("MEMORY_CONSTRAINT_VIOLATION_ORDER");
        if (dynamicMin != staticMax || dynamicMax != staticMax)
            throw new XenException("MEMORY_CONSTRAINT_VIOLATION_MAXPIN", "nested virt");
    }

    private void AssertDisksReachable(Record vm)
    {
        var records = store.Current;
        var srs = vm.Set("VBDs").Select(records.Find).OfType<Record>().Where(v => !v.Flag("empty"))
            .Select(v => records.Find(v.Target("VDI"))?.Target("SR")).OfType<string>().Distinct(StringComparer.Ordinal).ToList();
        if (!records.All(records.Model.Class("host")).Any(h => HostPlacement.IsLive(records, h) && srs.TrueForAll(sr => HostPlacement.Reaches(records, h, sr))))
            throw new XenException("NO_HOSTS_AVAILABLE");
    }

    /// <summary>The pause that VMs of one appliance keep between each other; a cancelled call does not wait on.</summary>
    private async ValueTask DelayAsync(Ref vm, string field, CancellationToken cancellationToken)
    {
        if (store.Current.Find(vm.Text) is not { } record || record.Int(field) <= 0)
            return;
        try
        {
            await Task.Delay(TimeSpan.FromSeconds(Math.Min(record.Int(field), 86_400)), clock, cancellationToken);
        }
        catch (OperationCanceledException)
        {
            // The guest runs or has stopped: there is nothing to undo.
        }
    }
}
