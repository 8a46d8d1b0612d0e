using XapiCompat.Core.Dispatch;
using XapiCompat.Core.Operations;
using XapiCompat.Core.Services;
using XapiCompat.Store;
using XapiCompat.Values;

namespace XapiCompat.Core.Handlers;

public sealed class VmHandlers(RecordStore store, VmService service, IdSource ids)
{
    [XenMessage("VM.create")]
    public Ref Create(CallContext context, XenStruct args) => store.Commit(unit =>
    {
        var suspended = args["power_state"]?.ToString() == "Suspended";
        var reference = ids.NewReference();
        if (suspended && (new Ref(args["suspend_VDI"]!.ToString()!).IsNull || args["last_booted_record"]!.ToString()!.Length == 0 || ((XenStruct)args["last_boot_CPU_flags"]!).Count == 0))
            throw new XenException("VM_BAD_POWER_STATE", reference, "halted", "suspended");

        unit.Insert(unit.Model.Class("VM"), reference, CreateRecord.Fields(unit.Model.Class("VM"), args));
        void Set(string field, XenValue value) => unit.Set(reference, field, value);
        var record = unit.Find(reference)!;
        if (!record.Map("other_config").Contains("mac_seed"))
            Set("other_config", record.Map("other_config").With("mac_seed", ids.NewUuidText()));
        if (record.Text("domain_type") == "unspecified")
            Set("domain_type", record.Text("HVM_boot_policy").Length == 0 ? "pv" : "hvm");
        Set("uuid", ids.NewUuidText());
        Set("power_state", suspended ? "Suspended" : "Halted");
        Set("blocked_operations", XenStruct.Empty);
        Set("protection_policy", Ref.Null.Text);
        Set("snapshot_schedule", Ref.Null.Text);
        Set("snapshot_time", XenDate.Never);
        Set("domid", -1);
        if (record.Text("generation_id") is "0:0")
            Set("generation_id", VmRecords.NewGenerationId());
        var metrics = ids.NewReference();
        unit.Insert(unit.Model.Class("VM_metrics"), metrics, [("uuid", ids.NewUuidText())]);
        Set("metrics", metrics);
        return new Ref(reference);
    });

    [XenMessage("VM.destroy")]
    public ValueTask Destroy(CallContext context, Ref self) => service.DestroyAsync(context, self);

    /// <summary>Stays callable to give its documented refusal: Running is asked for first, then support.</summary>
    [XenMessage("VM.snapshot_with_quiesce")]
    public Ref SnapshotWithQuiesce(CallContext context, Ref vm, string newName) =>
        throw VmOperations.Check(store.Current, store.Current.Get("VM", vm), "snapshot_with_quiesce")!.AsException();

    [XenMessage("VM.get_allowed_VBD_devices")]
    public XenArray AllowedVbdDevices(CallContext context, Ref vm)
    {
        var record = store.Current.Get("VM", vm);
        return XenArray.Of(DeviceNumbers.Free(DeviceNumbers.Used(store.Current, record, "VBDs", "userdevice"), DeviceNumbers.DisksOf(record)));
    }

    [XenMessage("VM.get_allowed_VIF_devices")]
    public XenArray AllowedVifDevices(CallContext context, Ref vm)
    {
        var record = store.Current.Get("VM", vm);
        return XenArray.Of(DeviceNumbers.Free(DeviceNumbers.Used(store.Current, record, "VIFs", "device"), DeviceNumbers.Interfaces));
    }

    /// <summary>The list is true at every commit; asking for it only checks the reference.</summary>
    [XenMessage("VM.update_allowed_operations")]
    public void UpdateAllowedOperations(CallContext context, Ref self) => store.Current.Get("VM", self);

    [XenMessage("VM.assert_operation_valid")]
    public void AssertOperationValid(CallContext context, Ref self, string op)
    {
        if (VmOperations.Check(store.Current, store.Current.Get("VM", self), op) is { } failure)
            throw failure.AsException();
    }
}
