using XapiCompat.Core.Dispatch;
using XapiCompat.Core.Operations;
using XapiCompat.Storage;
using XapiCompat.Store;
using XapiCompat.Values;

namespace XapiCompat.Core.Services;

/// <summary>A volume for a VM's memory; its record is written by <see cref="CheckpointImages.Write"/> under the intents given.</summary>
public sealed record CheckpointImage(string Reference, Record Sr, VolumeChanges Changes, IReadOnlyList<Intent> Intents);

/// <summary>The memory of VMs that go on running: real disks of type suspend, made for a checkpoint.</summary>
public sealed class CheckpointImages(RecordStore store, StorageHost storage, VolumeRecords records, VolumeWork work, OperationGuard guard, IdSource ids)
{
    /// <summary>The first usable one of VM.suspend_SR, pool.suspend_image_SR and the host's suspend_image_sr.</summary>
    public Record ChooseSr(IRecords current, Record vm)
    {
        var pools = current.All(current.Model.Class("pool")).Select(p => p.Target("suspend_image_SR"));
        var resident = current.Find(vm.Target("resident_on"));
        var hosts = (resident is null ? current.All(current.Model.Class("host")) : [resident]).Select(h => h.Target("suspend_image_sr"));
        return pools.Prepend(vm.Target("suspend_SR")).Concat(hosts).Select(current.Find).OfType<Record>()
            .FirstOrDefault(s => s.Class.Name == "SR" && storage.TryAttached(s) is not null && SrFacts.HasFeature(current, s, "VDI_CREATE"))
            ?? throw new XenException("VM_NO_SUSPEND_SR", vm.Reference);
    }

    /// <summary>Makes the volume. End its intents in the commit that writes the record, or call <see cref="DiscardAsync"/>.</summary>
    public async ValueTask<CheckpointImage> CreateAsync(CallContext context, Record vm)
    {
        var sr = ChooseSr(store.Current, vm);
        var uuid = ids.NewUuid();
        var intents = work.Promise("create", [(sr, uuid.ToString("D"))]);
        await using var scope = await guard.BeginAsync(context, [new("SR", sr.Reference, "vdi_create")], unit => VdiService.Begin(unit, intents));
        var spec = new VolumeSpec(uuid, "Suspend image", "Suspend image", vm.Int("memory_static_max"), false, new Dictionary<string, string>())
        {
            Keys = VolumeKeys.OfDisk("suspend"),
        };
        try
        {
            var changes = await VdiService.Translated(() => storage.Attached(sr).CreateVolumeAsync(spec, context.Cancellation), sr, "", "create");
            return new(ids.NewReference(), sr, changes, intents);
        }
        catch (Exception e)
        {
            store.Commit(unit => VdiService.End(unit, intents));
            if (e is XenException { Failure.Code: "SR_BACKEND_FAILURE_44" })
                throw new XenException(new XenFailure("SR_SUSPEND_SPACE_INSUFFICIENT", sr.Reference), e);
            throw;
        }
    }

    public void Write(UnitOfWork unit, CheckpointImage image)
    {
        var volume = image.Changes.Volume!;
        unit.Insert(
            unit.Model.Class("VDI"),
            image.Reference,
            [
                ("uuid", volume.Uuid!.Value.ToString("D")), ("SR", image.Sr.Reference), ("location", volume.Key), ("name_label", "Suspend image"),
                ("name_description", "Suspend image"), ("type", "suspend"), ("managed", true), ("snapshot_time", XenDate.Never),
            ]);
        records.Apply(unit, image.Sr, image.Changes);
        VdiService.End(unit, image.Intents);
    }

    /// <summary>Takes a volume back whose record was never written.</summary>
    public async ValueTask DiscardAsync(CheckpointImage image)
    {
        await storage.Attached(image.Sr).DestroyVolumeAsync(image.Changes.Volume!.Key, CancellationToken.None);
        store.Commit(unit => VdiService.End(unit, image.Intents));
    }
}
