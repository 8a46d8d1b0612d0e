using XapiCompat.Core.Dispatch;
using XapiCompat.Core.Networking;
using XapiCompat.Core.Operations;
using XapiCompat.Core.Services;
using XapiCompat.Store;
using XapiCompat.Values;

namespace XapiCompat.Core.Handlers;

/// <summary>USB devices of hosts, and of VMs.</summary>
public sealed class UsbHandlers(RecordStore store, OperationGuard guard, IdSource ids)
{
    private const int MostPerVm = 6;

    /// <summary>Every device of the host gets a group of its own, so that it can be given to a VM.</summary>
    [XenMessage("PUSB.scan")]
    public void Scan(CallContext context, Ref host) => store.Commit(unit =>
    {
        unit.Get("host", host);
        foreach (var pusb in unit.Pointing("PUSB", "host", host.Text).Where(p => unit.FindOf("USB_group", p.Target("USB_group")) is null).ToList())
            unit.Set(pusb.Reference, "USB_group", InsertGroup(unit, "Group of " + pusb.Text("vendor_id") + " " + pusb.Text("product_id") + " USBs", "", XenStruct.Empty).Text);
    });

    /// <summary>A device is either a disk of the host or goes to a VM.</summary>
    [XenMessage("PUSB.set_passthrough_enabled")]
    public void SetPassthroughEnabled(CallContext context, Ref self, bool value) => store.Commit(unit =>
    {
        var pusb = unit.Get("PUSB", self);
        if (value)
            ForgetDisks(unit, pusb);
        else
            TakeFromVm(unit, pusb);
        unit.Set(self.Text, "passthrough_enabled", value);
    });

    [XenMessage("USB_group.create")]
    public Ref CreateGroup(CallContext context, string nameLabel, string nameDescription, XenStruct otherConfig) =>
        store.Commit(unit => InsertGroup(unit, nameLabel, nameDescription, otherConfig));

    /// <summary>VUSBs that are not attached go with the group.</summary>
    [XenMessage("USB_group.destroy")]
    public void DestroyGroup(CallContext context, Ref self) => store.Commit(unit =>
    {
        unit.Get("USB_group", self);
        var vusbs = unit.Pointing("VUSB", "USB_group", self.Text).ToList();
        if (vusbs.Where(v => v.Flag("currently_attached")).Select(v => v.Reference).ToList() is { Count: > 0 } attached)
            throw new XenException("USB_GROUP_CONTAINS_VUSB", attached);
        if (unit.Pointing("PUSB", "USB_group", self.Text).Select(p => p.Reference).ToList() is { Count: > 0 } pusbs)
            throw new XenException("USB_GROUP_CONTAINS_PUSB", pusbs);
        vusbs.ForEach(v => unit.Delete(v.Reference));
        unit.Delete(self.Text);
    });

    [XenMessage("VUSB.create")]
    public Ref Create(CallContext context, Ref vm, Ref group, XenStruct otherConfig) => store.Commit(unit =>
    {
        PoolFacts.RequireFeature(unit, PoolFacts.UsbPassthrough);
        var owner = unit.Get("VM", vm);
        unit.Get("USB_group", group);
        if (unit.Pointing("VUSB", "VM", vm.Text).Count() >= MostPerVm)
            throw new XenException("TOO_MANY_VUSBS", "6");
        if (unit.Pointing("VUSB", "USB_group", group.Text).Any())
            throw new XenException("USB_GROUP_CONFLICT", group.Text);
        if (owner.Text("ha_restart_priority") == "restart")
            throw new XenException("OPERATION_NOT_ALLOWED", "high availability restarts the VM elsewhere: " + vm.Text);
        return unit.Insert(
            unit.Model.Class("VUSB"),
            ids.NewReference(),
            ("uuid", ids.NewUuidText()),
            ("VM", vm.Text),
            ("USB_group", group.Text),
            ("other_config", Storable.Clean(otherConfig))).Ref;
    });

    /// <summary>Only a guest with an emulated USB controller can lose a device while it runs.</summary>
    [XenMessage("VUSB.unplug")]
    public async ValueTask Unplug(CallContext context, Ref self)
    {
        await using var scope = await guard.BeginAsync(context, [new("VUSB", self.Text, "unplug")]);
        store.Commit(unit =>
        {
            if (unit.Get("VM", unit.Get("VUSB", self).Target("VM")).Text("HVM_boot_policy").Length == 0)
                throw Errors.Internal("the VM boots by PV and keeps its VUSB: " + self.Text);
            unit.Set(self.Text, "currently_attached", false);
            scope.End(unit);
        });
    }

    [XenMessage("VUSB.destroy")]
    public void Destroy(CallContext context, Ref self) => store.Commit(unit =>
    {
        var vusb = unit.Get("VUSB", self);
        if (vusb.Flag("currently_attached"))
            throw new XenException("OPERATION_NOT_ALLOWED", "the VUSB is plugged into VM " + unit.FindOf("VM", vusb.Target("VM"))?.Uuid);
        unit.Delete(self.Text);
    });

    private static void ForgetDisks(UnitOfWork unit, Record pusb)
    {
        var removable = unit.All(unit.Model.Class("SR")).Where(s => s.Text("type") == "udev").SelectMany(s => s.Set("VDIs")).ToList();
        foreach (var vdi in removable.Select(unit.Find).OfType<Record>().Where(v => v.Map("sm_config")["usb_path"]?.ToString() == pusb.Text("path")))
        {
            if (vdi.Set("VBDs").Any())
                throw new XenException("PUSB_VDI_CONFLICT", pusb.Reference, vdi.Reference);
            unit.Delete(vdi.Reference);
        }
    }

    private static void TakeFromVm(UnitOfWork unit, Record pusb)
    {
        var vusbs = unit.Pointing("VUSB", "USB_group", pusb.Target("USB_group")).ToList();
        if (vusbs.FirstOrDefault(v => v.Flag("currently_attached")) is { } attached)
            throw new XenException("USB_ALREADY_ATTACHED", pusb.Reference, attached.Target("VM"));
        vusbs.ForEach(v => unit.Delete(v.Reference));
    }

    private Ref InsertGroup(UnitOfWork unit, string nameLabel, string nameDescription, XenStruct otherConfig) => unit.Insert(
        unit.Model.Class("USB_group"),
        ids.NewReference(),
        ("uuid", ids.NewUuidText()),
        ("name_label", Storable.Clean(nameLabel)),
        ("name_description", Storable.Clean(nameDescription)),
        ("other_config", Storable.Clean(otherConfig))).Ref;
}
