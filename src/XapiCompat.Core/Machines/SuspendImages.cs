using XapiCompat.Core.Dispatch;
using XapiCompat.Core.Operations;
using XapiCompat.Core.Services;
using XapiCompat.Storage;
using XapiCompat.Store;
using XapiCompat.Values;

namespace XapiCompat.Core.Machines;

/// <summary>The disks that hold the state of suspended guests.</summary>
public sealed class SuspendImages(RecordStore store, StorageHost storage, VdiService vdis, VolumeWork work)
{
    /// <summary>The first SR that can take the image: the VM's, the pool's, the host's; VM_NO_SUSPEND_SR when none can.</summary>
    public Record ChooseSr(Record vm)
    {
        var records = store.Current;
        var host = records.Find(vm.Target("resident_on"));
        var pool = records.All(records.Model.Class("pool")).FirstOrDefault();
        foreach (var candidate in (string?[])[vm.Target("suspend_SR"), pool?.Target("suspend_image_SR"), host?.Target("suspend_image_sr")])
        {
            if (candidate is not null && records.Find(candidate) is { Class.Name: "SR" } sr && storage.TryAttached(sr) is not null
                && (host is null || HostPlacement.Reaches(records, host, sr.Reference)))
                return sr;
        }

        throw new XenException("VM_NO_SUSPEND_SR", vm.Reference);
    }

    /// <summary>
    /// Makes the image and names it in the VM's record at once, so that a start of the server finds it whatever happens
    /// in between.
    /// </summary>
    public async ValueTask<string> CreateAsync(CallContext context, Record vm)
    {
        var sr = ChooseSr(vm);
        var size = (vm.Int("memory_static_max") + vm.Int("memory_overhead") + MemoryModel.MiB - 1) / MemoryModel.MiB * MemoryModel.MiB;
        if (sr.Int("physical_size") > 0 && sr.Int("physical_size") - sr.Int("physical_utilisation") < vm.Int("memory_dynamic_max"))
            throw new XenException("SR_SUSPEND_SPACE_INSUFFICIENT", sr.Reference);
        var members = XenStruct.Of(
            ("name_label", "Suspend image"),
            ("name_description", "Suspend image"),
            ("SR", sr.Reference),
            ("virtual_size", size),
            ("type", "suspend"),
            ("sharable", false),
            ("read_only", false),
            ("other_config", XenStruct.Empty),
            ("sm_config", XenStruct.Empty));
        try
        {
            return (await vdis.CreateAsync(context, members, (unit, vdi) => unit.Set(vm.Reference, "suspend_VDI", vdi))).Text;
        }
        catch (XenException e) when (e.Failure.Code == "SR_BACKEND_FAILURE_44")
        {
            throw new XenException("SR_SUSPEND_SPACE_INSUFFICIENT", sr.Reference);
        }
    }

    /// <summary>Opens an image for the back end.</summary>
    public async ValueTask<GatedBlockDevice> OpenAsync(string vdi, DatapathMode mode, CancellationToken cancellationToken)
    {
        var record = store.Current.Get("VDI", vdi);
        var sr = store.Current.Get("SR", record.Target("SR"));
        try
        {
            return await storage.Attached(sr).OpenAsync(record.Text("location"), mode, cancellationToken);
        }
        catch (Exception e) when (StorageErrors.IsForeseen(e))
        {
            throw StorageErrors.Translate(e, sr.Reference, vdi, "attach").AsException();
        }
    }

    public ValueTask RefreshAsync(string vdi, CancellationToken cancellationToken) =>
        store.Current.Find(vdi) is { } record ? vdis.RefreshAsync(record, cancellationToken) : default;

    /// <summary>
    /// Takes the image's record away within a commit; call the result after it to remove the data. An image that somebody
    /// reads, or whose SR is away, is left alone: the VM only forgets it.
    /// </summary>
    public Func<ValueTask> Drop(UnitOfWork unit, string vm)
    {
        var image = unit.Find(unit.Find(vm)!.Target("suspend_VDI"));
        unit.Set(vm, "suspend_VDI", Ref.Null.Text);
        if (image is not { Class.Name: "VDI" } || unit.Find(image.Target("SR")) is not { } sr || storage.TryAttached(sr) is not { } attached
            || VdiOperations.Check(unit, image, "destroy") is not null || attached.IsOpen(image.Text("location")))
            return () => default;
        var removals = work.Promise("destroy", [(sr, image.Text("location"))]);
        VolumeRecords.Delete(unit, image);
        VdiService.Begin(unit, removals);
        return async () =>
        {
            foreach (var removal in removals)
                await work.RemoveAsync(sr, removal);
        };
    }
}
