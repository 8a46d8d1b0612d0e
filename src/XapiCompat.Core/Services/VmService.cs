using XapiCompat.Core.Dispatch;
using XapiCompat.Core.Operations;
using XapiCompat.Store;
using XapiCompat.Values;

namespace XapiCompat.Core.Services;

/// <summary>Snapshot, clone, revert and destroy of whole VMs: all disks at one instant, all records in one transaction.</summary>
public sealed class VmService(RecordStore store, StorageHost storage, VolumeWork work, OperationGuard guard, IdSource ids, TimeProvider clock)
{
    /// <param name="ignoreVdis">Disks that the snapshot leaves out; it has no VBD for them either.</param>
    public async ValueTask<Ref> SnapshotAsync(CallContext context, Ref vm, string name, XenArray ignoreVdis)
    {
        var ignored = ignoreVdis.Items.Select(i => i.ToString()!).ToHashSet(StringComparer.Ordinal);
        return await CopyAsync(context, vm, name, CopyKind.Snapshot, vbd => ignored.Contains(vbd.Target("VDI")));
    }

    public ValueTask<Ref> CloneAsync(CallContext context, Ref vm, string name) => CopyAsync(context, vm, name, CopyKind.Clone, _ => false);

    private async ValueTask<Ref> CopyAsync(CallContext context, Ref vm, string name, CopyKind kind, Func<Record, bool> skip)
    {
        var operation = kind == CopyKind.Snapshot ? "snapshot" : "clone";
        store.Current.Get("VM", vm);
        await using var vmScope = await guard.BeginAsync(context, [new("VM", vm.Text, operation)]);
        var source = store.Current.Get("VM", vm);
        var vbds = source.Set("VBDs").Select(store.Current.Find).OfType<Record>().Where(v => !skip(v)).OrderBy(v => v.Text("userdevice"), StringComparer.Ordinal).ToList();
        var plans = Plans(vbds, kind);
        var intents = work.Promise(operation, plans.Select(p => (p.Sr, p.NewUuid.ToString("D"))));
        await using var diskScope = await BeginDisksAsync(context, plans, operation, intents);
        var reference = ids.NewReference();
        IReadOnlyList<FinishedCopy> copies = [];
        try
        {
            copies = await work.CopyAsync(plans, EpochHint(), context.Progress, context.Cancellation);
            store.Commit(unit =>
            {
                var now = clock.GetUtcNow();
                var copy = VmRecords.Copy(unit, ids, unit.Find(vm.Text)!, reference, Storable.Clean(name).ToString()!, kind == CopyKind.Snapshot, now);
                var disks = copies.ToDictionary(c => c.Plan.Source.Reference, c => work.Write(unit, c).Reference, StringComparer.Ordinal);
                foreach (var vbd in vbds)
                    DeviceRecords.CopyVbd(unit, ids, vbd, reference, disks.GetValueOrDefault(vbd.Target("VDI"), vbd.Target("VDI")));
                var seed = kind == CopyKind.Clone ? copy.Map("other_config")["mac_seed"]!.ToString() : null;
                foreach (var vif in unit.Find(vm.Text)!.Set("VIFs").Select(unit.Find).OfType<Record>().ToList())
                    DeviceRecords.CopyVif(unit, ids, vif, reference, seed);
                if (kind == CopyKind.Snapshot)
                    unit.Set(vm.Text, "parent", reference);
                VdiService.End(unit, intents);
                diskScope.End(unit);
                vmScope.End(unit);
            });
        }
        catch
        {
            await AbandonAsync(reference, copies, intents);
            throw;
        }

        return new(reference);
    }

    /// <summary>
    /// Puts a VM back to a snapshot: its fields, its devices, clones of the snapshot's disks. New disks are ready before
    /// old ones go, and both change in one transaction.
    /// </summary>
    public async ValueTask RevertAsync(CallContext context, Ref snapshotRef)
    {
        var snapshot = store.Current.Get("VM", snapshotRef);
        if (VmOperations.Check(store.Current, snapshot, "revert") is { Code: not "OTHER_OPERATION_IN_PROGRESS" } refusal)
            throw refusal.AsException();
        var vmRef = snapshot.Target("snapshot_of");
        var exists = store.Current.Find(vmRef)?.Class.Name == "VM";
        var marks = new List<PlannedOperation> { new("VM", snapshotRef.Text, "revert") };
        if (exists)
            marks.Add(new("VM", vmRef, "reverting"));
        await using var scope = await guard.BeginAsync(context, marks);
        var vbds = store.Current.Get("VM", snapshotRef).Set("VBDs").Select(store.Current.Find).OfType<Record>().OrderBy(v => v.Text("userdevice"), StringComparer.Ordinal).ToList();
        var plans = Plans(vbds, CopyKind.Clone);
        var doomed = exists ? DoomedDisks(store.Current, vmRef, plans) : [];
        foreach (var (vdi, sr) in doomed)
        {
            if (!await ClosingDatapaths.WaitAsync(storage.Attached(sr), vdi.Text("location"), clock, context.Cancellation))
                throw new XenException("VDI_IN_USE", vdi.Reference, "destroy");
        }

        var intents = work.Promise("clone", plans.Select(p => (p.Sr, p.NewUuid.ToString("D"))));
        var removals = work.Promise("destroy", doomed.Select(d => (d.Sr, d.Vdi.Text("location"))));
        await using var diskScope = await BeginDisksAsync(context, plans, "clone", intents);
        IReadOnlyList<FinishedCopy> copies = [];
        var target = exists ? vmRef : ids.NewReference();
        try
        {
            context.Progress(0.1);
            copies = await work.CopyAsync(plans, EpochHint(), f => context.Progress(0.1 + (0.5 * f)), CancellationToken.None);
            store.Commit(unit =>
            {
                if (!exists)
                    Recreate(unit, target, vmRef, unit.Find(snapshotRef.Text)!);
                Overlay(unit, target, unit.Find(snapshotRef.Text)!, vbds, copies, doomed);
                VdiService.End(unit, intents);
                VdiService.Begin(unit, removals);
                diskScope.End(unit);
                scope.End(unit);
            });
        }
        catch (Exception e)
        {
            await AbandonAsync(copies.Count > 0 ? copies[0].Plan.NewReference : "", copies, intents);
            if (e is XenException { Failure.Code: "SR_BACKEND_FAILURE_44" or "SR_BACKEND_FAILURE_109" or "VDI_INCOMPATIBLE_TYPE" })
                throw;
            throw new XenException(new XenFailure("VM_REVERT_FAILED", snapshotRef.Text, vmRef), e);
        }

        foreach (var removal in removals)
            await work.RemoveAsync(doomed.First(d => d.Sr.Uuid == removal.Sr).Sr, removal);
    }

    public async ValueTask DestroyAsync(CallContext context, Ref self)
    {
        var vm = store.Current.Get("VM", self);
        if (vm.Map("other_config")["default_template"]?.ToString() == "true" && vm.Flag("is_default_template"))
            throw new XenException("VM_CANNOT_DELETE_DEFAULT_TEMPLATE", self.Text);
        await using var scope = await guard.BeginAsync(context, [new("VM", self.Text, "destroy")]);
        store.Commit(unit =>
        {
            var doomed = unit.Get("VM", self);
            foreach (var child in doomed.Set("children").ToList())
                unit.Set(child, "parent", doomed["parent"]);
            foreach (var vbd in doomed.Set("VBDs").Select(unit.Find).OfType<Record>().ToList())
                DeviceRecords.DeleteVbd(unit, vbd);
            foreach (var vif in doomed.Set("VIFs").Select(unit.Find).OfType<Record>().ToList())
                DeviceRecords.DeleteVif(unit, vif);
            foreach (var other in doomed.Set("consoles").Concat(doomed.Set("VGPUs")).Concat(doomed.Set("VTPMs")).ToList())
                unit.Delete(other);
            unit.Delete(doomed.Target("metrics"));
            unit.Delete(doomed.Target("guest_metrics"));
            unit.Delete(self.Text);
        });
    }

    private List<PlannedCopy> Plans(List<Record> vbds, CopyKind kind) =>
        [.. vbds.Where(v => v.Text("type") == "Disk" && !v.Flag("empty"))
            .Select(v => v.Target("VDI"))
            .Distinct()
            .Select(v => work.Plan(store.Current, store.Current.Get("VDI", v), kind))];

    private ValueTask<OperationScope> BeginDisksAsync(CallContext context, List<PlannedCopy> plans, string operation, IReadOnlyList<Intent> intents) =>
        guard.BeginAsync(
            context,
            [
                .. plans.Select(p => p.Sr.Reference).Distinct().Select(sr => new PlannedOperation("SR", sr, "vdi_" + operation)),
                .. plans.Select(p => new PlannedOperation("VDI", p.Source.Reference, operation)),
            ],
            unit => VdiService.Begin(unit, intents));

    /// <summary>One hint for all disks of a VM, so that an array may group them.</summary>
    private Dictionary<string, string> EpochHint() => new(StringComparer.Ordinal) { ["epochhint"] = ids.NewUuidText() };

    private async ValueTask AbandonAsync(string written, IReadOnlyList<FinishedCopy> copies, IReadOnlyList<Intent> intents)
    {
        if (store.Current.Find(written) is null)
            await work.DiscardAsync(copies);
        store.Commit(unit => VdiService.End(unit, intents));
    }

    /// <summary>The VM's disks that the snapshot replaces, and its suspend image. Disks added later stay.</summary>
    private List<(Record Vdi, Record Sr)> DoomedDisks(IRecords records, string vm, List<PlannedCopy> plans)
    {
        var replaced = plans.Select(p => p.Source.Target("snapshot_of")).ToHashSet(StringComparer.Ordinal);
        var record = records.Get("VM", vm);
        return [.. record.Set("VBDs").Select(records.Find).OfType<Record>()
            .Where(v => v.Text("type") == "Disk" && replaced.Contains(v.Target("VDI")))
            .Select(v => v.Target("VDI"))
            .Append(record.Target("suspend_VDI"))
            .Distinct()
            .Select(records.Find).OfType<Record>()
            .Where(v => v.Class.Name == "VDI")
            .Select(v => (v, records.Get("SR", v.Target("SR"))))];
    }

    private void Recreate(UnitOfWork unit, string target, string gone, Record snapshot)
    {
        VmRecords.Copy(unit, ids, snapshot, target, snapshot.Text("name_label"), snapshot: false, clock.GetUtcNow());
        var uuid = Queries.SExpression.ReadPairs(snapshot.Text("snapshot_metadata")).FirstOrDefault(p => p.Name == "uuid").Value;
        if (uuid is { Length: > 0 })
            unit.Set(target, "uuid", uuid);
        unit.Set(target, "is_a_template", false);
        foreach (var sibling in unit.All(unit.Model.Class("VM")).Where(v => v.Target("snapshot_of") == gone).ToList())
            unit.Set(sibling.Reference, "snapshot_of", target);
    }

    private void Overlay(UnitOfWork unit, string target, Record snapshot, List<Record> vbds, IReadOnlyList<FinishedCopy> copies, List<(Record Vdi, Record Sr)> doomed)
    {
        var vm = unit.Find(target)!;
        foreach (var vbd in vm.Set("VBDs").Select(unit.Find).OfType<Record>().ToList())
            DeviceRecords.DeleteVbd(unit, vbd);
        foreach (var vif in vm.Set("VIFs").Select(unit.Find).OfType<Record>().ToList())
            DeviceRecords.DeleteVif(unit, vif);
        VmRecords.Restore(unit, unit.Find(target)!, snapshot);

        var disks = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var copy in copies)
        {
            var fresh = work.Write(unit, copy).Reference;
            disks[copy.Plan.Source.Reference] = fresh;
            // All snapshots of the old disk are snapshots of its successor: backup chains go on.
            var old = copy.Plan.Source.Target("snapshot_of");
            foreach (var sibling in unit.All(unit.Model.Class("VDI")).Where(v => v.Target("snapshot_of") == old && v.Flag("is_a_snapshot")).ToList())
                unit.Set(sibling.Reference, "snapshot_of", fresh);
        }

        foreach (var (vdi, _) in doomed)
        {
            if (unit.Find(vdi.Reference) is { } record)
                VolumeRecords.Delete(unit, record);
        }

        foreach (var vbd in vbds)
            DeviceRecords.CopyVbd(unit, ids, vbd, target, disks.GetValueOrDefault(vbd.Target("VDI"), vbd.Target("VDI")));
        foreach (var vif in snapshot.Set("VIFs").Select(unit.Find).OfType<Record>().ToList())
            DeviceRecords.CopyVif(unit, ids, vif, target, null);
        unit.Set(target, "parent", snapshot.Reference);
        unit.Set(target, "suspend_VDI", Ref.Null.Text);
        unit.Set(target, "power_state", "Halted");
        unit.Set(target, "resident_on", Ref.Null.Text);
        unit.Set(target, "domid", -1);
    }
}
