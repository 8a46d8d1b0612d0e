using XapiCompat.Core.Dispatch;
using XapiCompat.Core.Operations;
using XapiCompat.Store;
using XapiCompat.Values;

namespace XapiCompat.Core.Services;

/// <summary>Moves a disk of a VM to another SR: its VBDs and its snapshots lead to the copy, the old volume goes.</summary>
public sealed class VdiMigration(RecordStore store, StorageHost storage, VolumeWork work, VdiCopyService copier, OperationGuard guard, TimeProvider clock)
{
    public async ValueTask<Ref> MigrateAsync(CallContext context, Ref vdi, Ref sr)
    {
        var source = store.Current.Get("VDI", vdi);
        var target = store.Current.Get("SR", sr);
        VdiService.RequireManaged(source);
        source.RequireData();
        if (source.Flag("cbt_enabled"))
            throw new XenException("VDI_CBT_ENABLED", vdi.Text);
        var vm = source.Set("VBDs").Select(store.Current.Find).OfType<Record>().Select(v => store.Current.Find(v.Target("VM"))).OfType<Record>().FirstOrDefault()
            ?? throw new XenException("VDI_NEEDS_VM_FOR_MIGRATE", vdi.Text);
        var from = store.Current.Get("SR", source.Target("SR"));
        var attached = storage.Attached(from);
        if (from.Reference == target.Reference)
            return vdi;

        var key = source.Text("location");
        var removals = work.Promise("destroy", [(from, key)]);
        await using var scope = await guard.BeginAsync(context, [new("VM", vm.Reference, "migrate_send"), new("VDI", vdi.Text, "mirror")]);
        if (!await ClosingDatapaths.WaitAsync(attached, key, clock, context.Cancellation))
            throw new XenException("VDI_IN_USE", vdi.Text, "mirror");
        var copy = await copier.CreateTargetAsync(context, source, target);
        try
        {
            await copier.FillAsync(source, store.Current.Get("VDI", copy.Reference), null, targetIsEmpty: true, context.Progress, context.Cancellation);
            store.Commit(unit =>
            {
                Replace(unit, unit.Get("VDI", vdi), copy.Reference);
                VdiService.End(unit, copy.Intents);
                VdiService.Begin(unit, removals);
                scope.End(unit);
            });
        }
        catch
        {
            await copier.RemoveAsync(copy);
            throw;
        }

        foreach (var removal in removals)
            await work.RemoveAsync(from, removal);
        return new(copy.Reference);
    }

    private static void Replace(UnitOfWork unit, Record old, string fresh)
    {
        foreach (var field in (string[])["is_a_snapshot", "snapshot_of", "snapshot_time", "read_only", "metadata_of_pool"])
            unit.Set(fresh, field, old[field]);
        foreach (var vbd in old.Set("VBDs").ToList())
            unit.Set(vbd, "VDI", fresh);
        foreach (var snapshot in old.Set("snapshots").ToList())
            unit.Set(snapshot, "snapshot_of", fresh);
        foreach (var vm in unit.All(unit.Model.Class("VM")).Where(v => v.Target("suspend_VDI") == old.Reference).ToList())
            unit.Set(vm.Reference, "suspend_VDI", fresh);

        // Only the row: its VBDs are the new disk's by now.
        unit.Delete(old.Reference);
        if (unit.Find(old.Target("SR")) is { } sr)
            VolumeRecords.UpdateAllocation(unit, sr);
    }
}
