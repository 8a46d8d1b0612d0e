using XapiCompat.Core.Dispatch;
using XapiCompat.Core.Services;
using XapiCompat.Store;
using XapiCompat.Values;

namespace XapiCompat.Core.Handlers;

/// <summary>VMs made from VMs, and VMs put back.</summary>
public sealed class VmCopyHandlers(RecordStore store, VmCopyService copies, VmRevertService reverts, VmProvisionService provisions)
{
    /// <param name="ignoreVdis">Disks that the snapshot leaves out; it has no VBD for them either.</param>
    [XenMessage("VM.snapshot")]
    public ValueTask<Ref> Snapshot(CallContext context, Ref vm, string newName, XenArray ignoreVdis)
    {
        var ignored = ignoreVdis.Items.Select(i => i.ToString()!).ToHashSet(StringComparer.Ordinal);
        return copies.RunAsync(context, vm, new("snapshot", newName, vbd => ignored.Contains(vbd.Target("VDI"))));
    }

    [XenMessage("VM.checkpoint")]
    public ValueTask<Ref> Checkpoint(CallContext context, Ref vm, string newName) => copies.RunAsync(context, vm, new("checkpoint", newName));

    [XenMessage("VM.clone")]
    public ValueTask<Ref> Clone(CallContext context, Ref vm, string newName) => copies.RunAsync(context, vm, new("clone", newName));

    /// <summary>A clone of a suspended VM that is suspended itself.</summary>
    [XenMessage("VM.csvm")]
    public ValueTask<Ref> Csvm(CallContext context, Ref vm) =>
        copies.RunAsync(context, vm, new("csvm", store.Current.Get("VM", vm).Text("name_label") + "-cloned-suspended"));

    /// <param name="sr">Any reference that is no SR means: each disk's own SR.</param>
    [XenMessage("VM.copy")]
    public ValueTask<Ref> Copy(CallContext context, Ref vm, string newName, Ref sr)
    {
        store.Current.Get("VM", vm);
        var target = store.Current.Find(sr.Text) is { Class.Name: "SR" } found ? found : null;
        return target?.Text("content_type") == "iso"
            ? throw new XenException("OPERATION_NOT_ALLOWED", "Cannot copy a VM's disks to an ISO SR")
            : copies.RunAsync(context, vm, new("copy", newName, Sr: target));
    }

    [XenMessage("VM.revert")]
    public ValueTask Revert(CallContext context, Ref snapshot) => reverts.RevertAsync(context, snapshot);

    [XenMessage("VM.provision")]
    public ValueTask Provision(CallContext context, Ref vm) => provisions.ProvisionAsync(context, vm);

    [XenMessage("VM.update_snapshot_metadata")]
    public void UpdateSnapshotMetadata(CallContext context, Ref vm, Ref snapshotOf, XenDateTime snapshotTime, string transportableSnapshotId) =>
        store.Commit(unit =>
        {
            unit.Get("VM", vm);
            unit.Set(vm.Text, "is_a_snapshot", true);
            unit.Set(vm.Text, "snapshot_of", snapshotOf.Text);
            unit.Set(vm.Text, "snapshot_time", snapshotTime);
            unit.Set(vm.Text, "transportable_snapshot_id", Storable.Clean(transportableSnapshotId));
        });
}
