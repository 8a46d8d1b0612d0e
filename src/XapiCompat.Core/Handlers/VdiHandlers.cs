using XapiCompat.Core.Dispatch;
using XapiCompat.Core.Operations;
using XapiCompat.Core.Services;
using XapiCompat.Store;
using XapiCompat.Values;

namespace XapiCompat.Core.Handlers;

public sealed class VdiHandlers(RecordStore store, VdiService service, VdiCopyService copies)
{
    [XenMessage("VDI.create")]
    public ValueTask<Ref> Create(CallContext context, XenStruct args) => service.CreateAsync(context, args);

    [XenMessage("VDI.destroy")]
    public ValueTask Destroy(CallContext context, Ref self) => service.DestroyAsync(context, self);

    [XenMessage("VDI.snapshot")]
    public ValueTask<Ref> Snapshot(CallContext context, Ref vdi, XenStruct driverParams) =>
        service.CopyAsync(context, vdi, CopyKind.Snapshot, driverParams);

    [XenMessage("VDI.clone")]
    public async ValueTask<Ref> Clone(CallContext context, Ref vdi, XenStruct driverParams) =>
        await copies.IsPlainFileAsync(store.Current.Get("VDI", vdi), context.Cancellation)
            ? await copies.CloneAsync(context, vdi)
            : await service.CopyAsync(context, vdi, CopyKind.Clone, driverParams);

    [XenMessage("VDI.resize")]
    public ValueTask Resize(CallContext context, Ref vdi, long size) => service.ResizeAsync(context, vdi, size);

    [XenMessage("VDI.set_name_label")]
    public ValueTask SetNameLabel(CallContext context, Ref self, string value) => service.SetNameAsync(context, self, "name_label", value);

    [XenMessage("VDI.set_name_description")]
    public ValueTask SetNameDescription(CallContext context, Ref self, string value) =>
        service.SetNameAsync(context, self, "name_description", value);

    [XenMessage("VDI.set_sharable")]
    public void SetSharable(CallContext context, Ref self, bool value) => Set(self, "sharable", value);

    [XenMessage("VDI.set_read_only")]
    public void SetReadOnly(CallContext context, Ref self, bool value) => Set(self, "read_only", value);

    [XenMessage("VDI.set_on_boot")]
    public void SetOnBoot(CallContext context, Ref self, string value)
    {
        var vdi = store.Current.Get("VDI", self);
        if (VdiOperations.Check(store.Current, vdi, "set_on_boot") is { } failure)
            throw failure.AsException();
        RequireHalted(vdi);
        Set(self, "on_boot", value);
    }

    [XenMessage("VDI.set_allow_caching")]
    public void SetAllowCaching(CallContext context, Ref self, bool value)
    {
        RequireHalted(store.Current.Get("VDI", self));
        Set(self, "allow_caching", value);
    }

    private void RequireHalted(Record vdi)
    {
        foreach (var vm in vdi.Set("VBDs").Select(store.Current.Find).OfType<Record>().Select(v => store.Current.Find(v.Target("VM"))).OfType<Record>())
        {
            if (vm.Text("power_state") != "Halted")
                throw new XenException("VM_BAD_POWER_STATE", vm.Reference, "halted", vm.Text("power_state").ToLowerInvariant());
        }
    }

    private void Set(Ref self, string field, XenValue value) => store.Commit(unit =>
    {
        unit.Get("VDI", self);
        unit.Set(self.Text, field, value);
    });
}
