using XapiCompat.Core.Dispatch;
using XapiCompat.Core.Machines;
using XapiCompat.Core.Operations;
using XapiCompat.Store;
using XapiCompat.Values;

namespace XapiCompat.Core.Services;

/// <summary>
/// Puts a VM back to a snapshot: its fields, its devices, clones of the snapshot's disks. New disks are ready before old ones go, and
/// both change in one transaction; the VM is off or suspended afterwards, whatever it did before.
/// </summary>
public sealed class VmRevertService(
    RecordStore store, StorageHost storage, VolumeRecords records, VolumeWork work, VdiService vdis, VmPower power, VmMessages messages, OperationGuard guard, IdSource ids, TimeProvider clock)
{
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
        snapshot = store.Current.Get("VM", snapshotRef);
        RequireLiveHost(snapshot);
        if (exists)
            await power.StopAsync(context.Part(0, 0), new(vmRef), clean: false, scope: null, unit => messages.ShutDown(unit, new(vmRef), forced: true));
        var vbds = DeviceRecords.Devices(store.Current, snapshot, "VBDs").OrderBy(v => v.Text("userdevice"), StringComparer.Ordinal).ToList();
        var disks = DisksOf(snapshot, vbds);
        var inPlace = await RevertInPlaceAsync(context, disks);
        var plans = disks.Where(d => !inPlace.ContainsKey(d.Reference)).Select(d => work.Plan(store.Current, d, CopyKind.Clone)).ToList();
        var doomed = exists ? DoomedDisks(store.Current, vmRef, plans) : [];
        foreach (var (vdi, sr) in doomed)
        {
            if (!await ClosingDatapaths.WaitAsync(storage.Attached(sr), vdi.Text("location"), clock, context.Cancellation))
                throw new XenException("VDI_IN_USE", vdi.Reference, "destroy");
        }

        var intents = work.Promise("clone", plans.Select(p => (p.Sr, p.NewUuid.ToString("D"))));
        var removals = work.Promise("destroy", doomed.Select(d => (d.Sr, d.Vdi.Text("location"))));
        await using var diskScope = await BeginDisksAsync(context, plans, intents);
        var copies = new List<FinishedCopy>();
        List<string> relinked = [];
        var target = exists ? vmRef : ids.NewReference();
        try
        {
            context.Progress(0.1);
            await work.CopyAsync(plans, Hint(), copies, d => context.Progress(0.1 + (0.5 * (d + 1) / plans.Count)), CancellationToken.None);
            relinked = store.Commit(unit =>
            {
                if (!exists)
                    Recreate(unit, target, vmRef, unit.Find(snapshotRef.Text)!);
                var kept = Overlay(unit, target, unit.Find(snapshotRef.Text)!, vbds, copies, inPlace, doomed);
                VdiService.End(unit, intents);
                VdiService.Begin(unit, removals);
                messages.Reverted(unit, new(target), snapshotRef);
                diskScope.End(unit);
                scope.End(unit);
                return kept;
            });
        }
        catch (Exception e)
        {
            await work.DiscardAsync(copies, unit => VdiService.End(unit, intents));
            if (e is XenException { Failure.Code: "SR_BACKEND_FAILURE_44" or "SR_BACKEND_FAILURE_109" or "VDI_INCOMPATIBLE_TYPE" })
                throw;
            throw new XenException(new XenFailure("VM_REVERT_FAILED", snapshotRef.Text, vmRef), e);
        }

        foreach (var removal in removals)
            await work.RemoveAsync(doomed.First(d => d.Sr.Uuid == removal.Sr).Sr, removal);
        await vdis.KeepAsync(relinked, CancellationToken.None);
    }

    /// <summary>The snapshot's own disks, and its memory if it has some.</summary>
    private List<Record> DisksOf(Record snapshot, List<Record> vbds) =>
        [.. vbds.Where(v => v.Text("type") == "Disk" && !v.Flag("empty"))
            .Select(v => v.Target("VDI"))
            .Concat(snapshot.Text("power_state") == "Suspended" && store.Current.Find(snapshot.Target("suspend_VDI")) is { } memory ? [memory.Reference] : [])
            .Distinct()
            .Select(v => store.Current.Get("VDI", v))];

    private void RequireLiveHost(Record snapshot)
    {
        if (snapshot.Text("power_state") != "Suspended" || store.Current.Find(snapshot.Target("suspend_VDI")) is not { } memory)
            return;
        var hosts = store.Current.Get("SR", memory.Target("SR")).Set("PBDs").Select(store.Current.Find).OfType<Record>()
            .Where(p => p.Flag("currently_attached"))
            .Select(p => store.Current.Find(p.Target("host"))).OfType<Record>();
        if (!hosts.Any(h => store.Current.Find(h.Target("metrics")) is not { } metrics || metrics.Flag("live")))
            throw new XenException("HOST_NOT_LIVE");
    }

    /// <summary>Where the driver can, a disk goes back without changing its reference; elsewhere it is cloned.</summary>
    /// <returns>Snapshot disk to the disk that now has its data.</returns>
    private async ValueTask<Dictionary<string, string>> RevertInPlaceAsync(CallContext context, List<Record> disks)
    {
        var reverted = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var disk in disks.Where(d => d.Text("type") != "suspend"))
        {
            var sr = store.Current.Get("SR", disk.Target("SR"));
            if (!SrFacts.HasFeature(store.Current, sr, "VDI_REVERT") || store.Current.Find(disk.Target("snapshot_of")) is not { Class.Name: "VDI" } target)
                continue;
            try
            {
                await using var scope = await guard.BeginAsync(context, [new("SR", sr.Reference, "vdi_revert")]);
                var changes = await VdiService.Translated(
                    () => storage.Attached(sr).RevertAsync(disk.Text("location"), target.Text("location"), CancellationToken.None), sr, target.Reference, "revert_from");
                store.Commit(unit =>
                {
                    records.Apply(unit, sr, changes);
                    scope.End(unit);
                });
                reverted[disk.Reference] = target.Reference;
            }
            catch (XenException e) when (e.Failure.Code is "SR_OPERATION_NOT_SUPPORTED" or "UNIMPLEMENTED_IN_SM_BACKEND")
            {
            }
        }

        return reverted;
    }

    private ValueTask<OperationScope> BeginDisksAsync(CallContext context, List<PlannedCopy> plans, IReadOnlyList<Intent> intents) =>
        guard.BeginAsync(
            context,
            [
                .. plans.Select(p => p.Sr.Reference).Distinct().Select(sr => new PlannedOperation("SR", sr, "vdi_clone")),
                .. plans.Select(p => new PlannedOperation("VDI", p.Source.Reference, "clone")),
            ],
            unit => VdiService.Begin(unit, intents));

    private Dictionary<string, string> Hint() => new(StringComparer.Ordinal) { ["epochhint"] = ids.NewUuidText() };

    /// <summary>The VM's disks that the snapshot replaces, and its suspend image. Disks added later stay, images of CD libraries always.</summary>
    private static List<(Record Vdi, Record Sr)> DoomedDisks(IRecords records, string vm, List<PlannedCopy> plans)
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
            .Select(v => (Vdi: v, Sr: records.Get("SR", v.Target("SR"))))
            .Where(d => d.Sr.Text("content_type") != "iso")];
    }

    private void Recreate(UnitOfWork unit, string target, string gone, Record snapshot)
    {
        VmRecords.Copy(unit, ids, snapshot, target, snapshot.Text("name_label"), snapshot: false, XenStruct.Empty, clock.GetUtcNow());
        var uuid = Queries.SExpression.ReadPairs(snapshot.Text("snapshot_metadata")).FirstOrDefault(p => p.Name == "uuid").Value;
        if (uuid is { Length: > 0 } && unit.FindByUuid(unit.Model.Class("VM"), uuid) is null)
            unit.Set(target, "uuid", uuid);
        unit.Set(target, "is_a_template", false);
        foreach (var sibling in unit.All(unit.Model.Class("VM")).Where(v => v.Target("snapshot_of") == gone).ToList())
            unit.Set(sibling.Reference, "snapshot_of", target);
    }

    /// <returns>Snapshots that belong to another disk now.</returns>
    private List<string> Overlay(
        UnitOfWork unit, string target, Record snapshot, List<Record> vbds, IReadOnlyList<FinishedCopy> copies, Dictionary<string, string> inPlace, List<(Record Vdi, Record Sr)> doomed)
    {
        DeviceRecords.DeleteAll(unit, unit.Find(target)!);
        VmRecords.Restore(unit, ids, unit.Find(target)!, snapshot);

        var disks = new Dictionary<string, string>(inPlace, StringComparer.Ordinal);
        var relinked = new List<string>();
        foreach (var copy in copies)
        {
            var fresh = work.Write(unit, copy).Reference;
            disks[copy.Plan.Source.Reference] = fresh;
            if (copy.Plan.Source.Text("type") == "suspend")
                continue;

            // All snapshots of the old disk are snapshots of its successor: backup chains go on.
            var old = copy.Plan.Source.Target("snapshot_of");
            foreach (var sibling in unit.All(unit.Model.Class("VDI")).Where(v => v.Target("snapshot_of") == old && v.Flag("is_a_snapshot")).ToList())
            {
                unit.Set(sibling.Reference, "snapshot_of", fresh);
                relinked.Add(sibling.Reference);
            }
        }

        foreach (var (vdi, _) in doomed)
        {
            if (unit.Find(vdi.Reference) is { } record)
                VolumeRecords.Delete(unit, record);
        }

        var suspended = snapshot.Text("power_state") == "Suspended";
        foreach (var vbd in vbds)
            DeviceRecords.CopyVbd(unit, ids, vbd, target, disks.GetValueOrDefault(vbd.Target("VDI"), vbd.Target("VDI")), suspended);
        foreach (var vif in DeviceRecords.Devices(unit, snapshot, "VIFs"))
            DeviceRecords.CopyVif(unit, ids, vif, target, null, suspended);
        foreach (var vgpu in DeviceRecords.Devices(unit, snapshot, "VGPUs"))
            DeviceRecords.CopyVgpu(unit, ids, vgpu, target);
        foreach (var vtpm in DeviceRecords.Devices(unit, snapshot, "VTPMs"))
            DeviceRecords.CopyVtpm(unit, ids, vtpm, target);
        unit.Set(target, "parent", snapshot.Reference);
        unit.Set(target, "suspend_VDI", suspended ? disks.GetValueOrDefault(snapshot.Target("suspend_VDI"), Ref.Null.Text) : Ref.Null.Text);
        unit.Set(target, "power_state", suspended ? "Suspended" : "Halted");
        foreach (var link in (string[])["resident_on", "scheduled_to_be_resident_on"])
            unit.Set(target, link, Ref.Null.Text);
        unit.Set(target, "domid", -1);
        unit.Set(target, "requires_reboot", false);
        return relinked;
    }
}
