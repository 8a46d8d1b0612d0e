using XapiCompat.Core.Dispatch;
using XapiCompat.Core.Machines;
using XapiCompat.Core.Operations;
using XapiCompat.Store;
using XapiCompat.Values;

namespace XapiCompat.Core.Services;

/// <summary>What is to be made of a VM.</summary>
/// <param name="Operation">As in allowed_operations: snapshot, checkpoint, clone, copy, csvm.</param>
/// <param name="Skip">VBDs that a snapshot leaves out.</param>
/// <param name="Sr">Where a copy's disks go; null: each to its original's SR.</param>
/// <param name="Scheduled">True for snapshots of a schedule.</param>
public sealed record VmCopyPlan(string Operation, string Name, Func<Record, bool>? Skip = null, Record? Sr = null, bool Scheduled = false)
{
    public bool IsSnapshot => Operation is "snapshot" or "checkpoint";

    /// <summary>How each disk is made.</summary>
    public CopyKind Disks => IsSnapshot ? CopyKind.Snapshot : Operation == "copy" ? CopyKind.Copy : CopyKind.Clone;
}

/// <summary>Snapshot, checkpoint, clone and copy of whole VMs: all disks at one instant, all records in one transaction.</summary>
public sealed class VmCopyService(
    RecordStore store, VolumeWork work, VdiCopyService copier, VmSuspension suspension, VmMessages messages, OperationGuard guard, IdSource ids, TimeProvider clock)
{
    public async ValueTask<Ref> RunAsync(CallContext context, Ref vm, VmCopyPlan plan)
    {
        store.Current.Get("VM", vm);
        await using var vmScope = await guard.BeginAsync(context, [new("VM", vm.Text, plan.Operation)]);
        var source = store.Current.Get("VM", vm);
        if (plan.Operation != "checkpoint" || source.Text("power_state") != "Running")
        {
            var info = plan.Operation == "checkpoint" ? XenStruct.Empty : VmRecords.Info(source);
            return await CopyAsync(context, vm, plan, info, vmScope.End);
        }

        // The guest's memory lies still in a suspend image while it is copied; whatever comes of that, the guest goes on.
        RequireSnapshots(source);
        var awake = MachineRecovery.PromiseToResume(ids, vm);
        store.Commit(unit => unit.BeginIntent(awake));
        try
        {
            await suspension.SaveAsync(context.Part(0, 0.4), vm, null);
            try
            {
                return await CopyAsync(context.Part(0.4, 0.8), vm, plan, VmRecords.Info(source), _ => { });
            }
            finally
            {
                await suspension.RestoreAsync(context.Detached(), vm, null, paused: false, null);
            }
        }
        finally
        {
            store.Commit(unit => unit.EndIntent(awake.Id));
        }
    }

    /// <param name="info">snapshot_info of a snapshot.</param>
    /// <param name="end">Part of the commit that writes the new VM.</param>
    private async ValueTask<Ref> CopyAsync(CallContext context, Ref vm, VmCopyPlan plan, XenStruct info, Action<UnitOfWork> end)
    {
        var source = store.Current.Get("VM", vm);
        var vbds = DeviceRecords.Devices(store.Current, source, "VBDs").Where(v => plan.Skip?.Invoke(v) != true).OrderBy(v => v.Text("userdevice"), StringComparer.Ordinal).ToList();
        var sources = Disks(vbds);

        // A copy of a checkpoint starts anew, and a plain snapshot has no memory.
        var suspended = plan.Operation != "snapshot" && source.Text("power_state") == "Suspended" && !source.Flag("is_a_snapshot");
        if (suspended && store.Current.Find(source.Target("suspend_VDI")) is { } memory)
            sources.Add(memory);
        var reference = ids.NewReference();
        var disks = new Dictionary<string, string>(StringComparer.Ordinal);
        if (plan.Disks == CopyKind.Copy || (plan.Disks == CopyKind.Clone && await AnyPlainFileAsync(sources, context.Cancellation)))
            await CopyDisksAsync(context, plan, sources, disks, Write);
        else
            await BranchDisksAsync(context, plan, sources, disks, Write);
        return new(reference);

        void Write(UnitOfWork unit)
        {
            WriteVm(unit, vm.Text, reference, plan, info, suspended);
            WriteDevices(unit, unit.Find(vm.Text)!, reference, vbds, disks, plan, suspended);
            messages.Copied(unit, vm, reference, plan.Operation);
            end(unit);
        }
    }

    private async ValueTask<bool> AnyPlainFileAsync(List<Record> disks, CancellationToken cancellationToken)
    {
        foreach (var disk in disks)
        {
            if (await copier.IsPlainFileAsync(disk, cancellationToken))
                return true;
        }

        return false;
    }

    /// <summary>Snapshots or clones: all under one hold, so that they show one instant.</summary>
    private async ValueTask BranchDisksAsync(CallContext context, VmCopyPlan plan, List<Record> sources, Dictionary<string, string> disks, Action<UnitOfWork> write)
    {
        var operation = plan.Disks == CopyKind.Snapshot ? "snapshot" : "clone";
        var plans = sources.Select(s => work.Plan(store.Current, s, plan.Disks)).ToList();
        var intents = work.Promise(operation, plans.Select(p => (p.Sr, p.NewUuid.ToString("D"))));
        var subtasks = Subtasks(context, "VDI." + operation, sources);
        await using var diskScope = await guard.BeginAsync(
            context,
            [
                .. plans.Select(p => p.Sr.Reference).Distinct().Select(sr => new PlannedOperation("SR", sr, "vdi_" + operation)),
                .. plans.Select(p => new PlannedOperation("VDI", p.Source.Reference, operation)),
            ],
            unit =>
            {
                VdiService.Begin(unit, intents);
                subtasks.Begin(unit);
            });
        var copies = new List<FinishedCopy>();
        var written = false;
        try
        {
            await work.CopyAsync(plans, EpochHint(), copies, disk => subtasks.Done(disk, context.Progress), context.Cancellation);
            store.Commit(unit =>
            {
                foreach (var copy in copies)
                    disks[copy.Plan.Source.Reference] = work.Write(unit, copy).Reference;
                write(unit);
                VdiService.End(unit, intents);
                subtasks.End(unit);
                diskScope.End(unit);
            });
            written = true;
        }
        finally
        {
            if (!written)
            {
                await work.DiscardAsync(copies, unit =>
                {
                    VdiService.End(unit, intents);
                    subtasks.End(unit);
                });
            }
        }
    }

    /// <summary>Full copies, one after the other; the VM stands still.</summary>
    private async ValueTask CopyDisksAsync(CallContext context, VmCopyPlan plan, List<Record> sources, Dictionary<string, string> disks, Action<UnitOfWork> write)
    {
        sources.ForEach(VdiService.RequireManaged);
        var targets = new List<PromisedDisk>();
        var subtasks = Subtasks(context, "VDI.copy", sources);

        // The disks of a checkpoint count as attached, but nobody writes to them.
        var marked = sources.Where(s => !s.Flag("is_a_snapshot"));
        await using var diskScope = await guard.BeginAsync(context, [.. marked.Select(s => new PlannedOperation("VDI", s.Reference, "copy"))], subtasks.Begin);
        var written = false;
        try
        {
            for (var i = 0; i < sources.Count; i++)
            {
                context.Cancellation.ThrowIfCancellationRequested();
                var (disk, source) = (i, sources[i]);
                var target = await copier.CreateTargetAsync(context, source, plan.Sr ?? store.Current.Get("SR", source.Target("SR")));
                targets.Add(target);
                await copier.FillAsync(
                    source, store.Current.Get("VDI", target.Reference), null, targetIsEmpty: true, f => subtasks.Progress(disk, f, context.Progress), context.Cancellation);
                subtasks.Done(disk, context.Progress);
                disks[source.Reference] = target.Reference;
            }

            store.Commit(unit =>
            {
                write(unit);
                foreach (var target in targets)
                    VdiService.End(unit, target.Intents);
                subtasks.End(unit);
                diskScope.End(unit);
            });
            written = true;
        }
        finally
        {
            if (!written)
            {
                foreach (var target in targets)
                    await copier.RemoveAsync(target);
                store.Commit(subtasks.End);
            }
        }
    }

    private void WriteVm(UnitOfWork unit, string vm, string reference, VmCopyPlan plan, XenStruct info, bool suspended)
    {
        VmRecords.Copy(unit, ids, unit.Find(vm)!, reference, Storable.Clean(plan.Name).ToString()!, plan.IsSnapshot, info, clock.GetUtcNow());
        unit.Set(reference, "is_vmss_snapshot", plan.Scheduled);
        if (suspended)
            unit.Set(reference, "power_state", "Suspended");
        if (plan.IsSnapshot)
            unit.Set(vm, "parent", reference);
    }

    private void WriteDevices(
        UnitOfWork unit, Record source, string reference, List<Record> vbds, Dictionary<string, string> disks, VmCopyPlan plan, bool suspended)
    {
        foreach (var vbd in vbds)
            DeviceRecords.CopyVbd(unit, ids, vbd, reference, disks.GetValueOrDefault(vbd.Target("VDI"), vbd.Target("VDI")), suspended);
        var seed = plan.IsSnapshot ? null : unit.Find(reference)!.Map("other_config")["mac_seed"]!.ToString();
        foreach (var vif in DeviceRecords.Devices(unit, source, "VIFs"))
            DeviceRecords.CopyVif(unit, ids, vif, reference, seed, suspended);
        foreach (var vgpu in DeviceRecords.Devices(unit, source, "VGPUs"))
            DeviceRecords.CopyVgpu(unit, ids, vgpu, reference);
        foreach (var vtpm in DeviceRecords.Devices(unit, source, "VTPMs"))
            DeviceRecords.CopyVtpm(unit, ids, vtpm, reference);
        if (suspended)
            unit.Set(reference, "suspend_VDI", disks.GetValueOrDefault(source.Target("suspend_VDI"), Ref.Null.Text));
    }

    private void RequireSnapshots(Record vm)
    {
        var disks = Disks(DeviceRecords.Devices(store.Current, vm, "VBDs"));
        if (disks.Any(d => !SrFacts.HasFeature(store.Current, store.Current.Get("SR", d.Target("SR")), "VDI_SNAPSHOT")))
            throw new XenException("SR_OPERATION_NOT_SUPPORTED", vm.Reference);
    }

    private List<Record> Disks(List<Record> vbds) =>
        [.. vbds.Where(v => v.Text("type") == "Disk" && !v.Flag("empty")).Select(v => v.Target("VDI")).Distinct().Select(v => store.Current.Get("VDI", v))];

    private DiskSubtasks Subtasks(CallContext context, string message, List<Record> sources) =>
        new(store, ids, clock, context, message, [.. sources.Select(s => s.Int("virtual_size"))]);

    /// <summary>One hint for all disks of a VM, so that an array may group them.</summary>
    private Dictionary<string, string> EpochHint() => new(StringComparer.Ordinal) { ["epochhint"] = ids.NewUuidText() };
}
