using XapiCompat.Core.Dispatch;
using XapiCompat.Core.Operations;
using XapiCompat.Core.Services;
using XapiCompat.Store;
using XapiCompat.Values;

namespace XapiCompat.Core.Handlers;

public sealed class VbdHandlers(RecordStore store, IdSource ids)
{
    /// <summary>Connects a disk to a VM; it is not plugged by that.</summary>
    [XenMessage("VBD.create")]
    public Ref Create(CallContext context, XenStruct args) => store.Commit(unit =>
    {
        var vm = unit.Get("VM", args["VM"]!.ToString()!);
        var empty = ((XenBool)args["empty"]!).Flag;
        var type = args["type"]!.ToString()!;
        var mode = args["mode"]!.ToString()!;
        var vdi = empty ? null : unit.Get("VDI", args["VDI"]!.ToString()!);
        if (vdi?.Text("type") is "ha_statefile" or "redo_log" or "cbt_metadata")
            throw new XenException("VDI_INCOMPATIBLE_TYPE", vdi.Reference, VdiTypeText.Of(vdi.Text("type")));
        if (type == "CD" && mode != "RO")
            throw new XenException("VBD_CDS_MUST_BE_READONLY");
        if (empty && type != "CD")
            throw new XenException("VBD_NOT_REMOVABLE_MEDIA", "in constructor");
        if (vdi is not null && mode == "RW" && vdi.Flag("read_only"))
            throw new XenException("VDI_READONLY", vdi.Reference);
        if (vdi is not null && !vdi.Flag("managed"))
            throw new XenException("VDI_NOT_MANAGED", vdi.Reference);

        var operations = vm.Map("current_operations");
        for (var i = 0; i < operations.Count; i++)
        {
            if (operations.Values[i].ToString() is "pool_migrate" or "migrate_send")
                throw new XenException("OTHER_OPERATION_IN_PROGRESS", "VM", vm.Reference, operations.Values[i].ToString()!, operations.Names[i]);
        }

        var device = DeviceNumbers.Choose(unit, vm, args["userdevice"]!.ToString()!);
        var reference = ids.NewReference();
        unit.Insert(unit.Model.Class("VBD"), reference, CreateRecord.Fields(unit.Model.Class("VBD"), args));
        unit.Set(reference, "uuid", ids.NewUuidText());
        unit.Set(reference, "userdevice", device);
        unit.Set(reference, "VDI", vdi?.Reference ?? Ref.Null.Text);
        unit.Set(reference, "metrics", DeviceRecords.NewMetrics(unit, ids, "VBD_metrics"));
        if (vm.Text("power_state") != "Suspended")
        {
            unit.Set(reference, "device", "");
            unit.Set(reference, "currently_attached", false);
        }

        return new Ref(reference);
    });

    [XenMessage("VBD.destroy")]
    public void Destroy(CallContext context, Ref self) => store.Commit(unit =>
    {
        var vbd = unit.Get("VBD", self);
        if (vbd.Flag("currently_attached") && unit.Find(vbd.Target("VM"))?.Text("power_state") is "Running" or "Paused")
            throw new XenException("OPERATION_NOT_ALLOWED", "the VBD is plugged into VM " + vbd.Target("VM"));
        DeviceRecords.DeleteVbd(unit, vbd);
    });

    [XenMessage("VBD.set_mode")]
    public void SetMode(CallContext context, Ref self, string value) => store.Commit(unit =>
    {
        var vbd = unit.Get("VBD", self);
        if (unit.Find(vbd.Target("VM"))?.Text("power_state") is { } state and not "Halted")
            throw new XenException("VM_BAD_POWER_STATE", vbd.Target("VM"), "halted", state.ToLowerInvariant());
        if (value == "RW" && unit.Find(vbd.Target("VDI"))?.Flag("read_only") == true)
            throw new XenException("VDI_READONLY", vbd.Target("VDI"));
        if (value == "RW" && vbd.Text("type") == "CD")
            throw new XenException("VBD_CDS_MUST_BE_READONLY");
        unit.Set(self.Text, "mode", value);
    });
}
