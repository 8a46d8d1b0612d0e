using XapiCompat.Core.Devices;
using XapiCompat.Core.Dispatch;
using XapiCompat.Core.Networking;
using XapiCompat.Core.Services;
using XapiCompat.Store;
using XapiCompat.Values;

namespace XapiCompat.Core.Handlers;

/// <summary>Physical GPUs and PCI devices.</summary>
public sealed class PgpuHandlers(RecordStore store, PciAccess access)
{
    [XenMessage("PGPU.add_enabled_VGPU_types")]
    public void AddEnabledType(CallContext context, Ref self, Ref value) => store.Commit(unit =>
    {
        var pgpu = unit.Get("PGPU", self);
        Require(GpuCapacity.Unsupported(pgpu, value.Text));
        if (!pgpu.Set(GpuGroups.Enabled).Contains(value.Text))
            SetEnabled(unit, pgpu, [.. pgpu.Set(GpuGroups.Enabled), value.Text]);
    });

    [XenMessage("PGPU.remove_enabled_VGPU_types")]
    public void RemoveEnabledType(CallContext context, Ref self, Ref value) => store.Commit(unit =>
    {
        var pgpu = unit.Get("PGPU", self);
        Require(InUse(unit, pgpu, value.Text));
        SetEnabled(unit, pgpu, pgpu.Set(GpuGroups.Enabled).Where(t => t != value.Text));
    });

    [XenMessage("PGPU.set_enabled_VGPU_types")]
    public void SetEnabledTypes(CallContext context, Ref self, XenArray value) => store.Commit(unit =>
    {
        var pgpu = unit.Get("PGPU", self);
        var wanted = value.Items.Select(t => t.ToString()!).Distinct(StringComparer.Ordinal).ToList();
        foreach (var type in wanted.Except(pgpu.Set(GpuGroups.Enabled)))
            Require(GpuCapacity.Unsupported(pgpu, type));
        foreach (var type in pgpu.Set(GpuGroups.Enabled).Except(wanted))
            Require(InUse(unit, pgpu, type));
        SetEnabled(unit, pgpu, wanted);
    });

    /// <summary>A group takes GPUs of one kind; the first one decides.</summary>
    [XenMessage("PGPU.set_GPU_group")]
    public void SetGroup(CallContext context, Ref self, Ref value) => store.Commit(unit =>
    {
        var pgpu = unit.Get("PGPU", self);
        var group = unit.Get("GPU_group", value);
        if (unit.Pointing("VGPU", "resident_on", self.Text).Select(v => v.Target("VM")).ToList() is { Count: > 0 } vms)
            throw new XenException("PGPU_IN_USE_BY_VM", vms);
        var pci = unit.Get("PCI", pgpu.Target("PCI"));
        var kind = pci.Text("vendor_id") + "/" + pci.Text("device_id");
        var kinds = group.Set("GPU_types").ToList();
        if (kinds.Count > 0 && !kinds.Contains(kind))
            throw new XenException("PGPU_NOT_COMPATIBLE_WITH_GPU_GROUP", kind, "[" + string.Join(", ", kinds) + "]");
        var old = pgpu.Target("GPU_group");
        unit.Set(self.Text, "GPU_group", value.Text);
        unit.Set(value.Text, "GPU_types", XenArray.Of(kinds.Count > 0 ? kinds : [kind]));
        GpuGroups.Update(unit, old, GpuGroups.Enabled, GpuGroups.Supported);
        GpuGroups.Update(unit, value.Text, GpuGroups.Enabled, GpuGroups.Supported);
    });

    [XenMessage("PGPU.get_remaining_capacity")]
    public long GetRemainingCapacity(CallContext context, Ref self, Ref vgpuType) =>
        GpuCapacity.Remaining(store.Current, store.Current.Get("PGPU", self), store.Current.Get("VGPU_type", vgpuType), out _);

    [XenMessage("PGPU.enable_dom0_access")]
    public string EnableAccess(CallContext context, Ref self) => store.Commit(unit => access.Set(unit, Pci(unit, self), enable: true));

    [XenMessage("PGPU.disable_dom0_access")]
    public string DisableAccess(CallContext context, Ref self) => store.Commit(unit =>
    {
        var pci = Pci(unit, self);
        if (!PoolFacts.HasFeature(unit, "restrict_integrated_gpu_passthrough"))
            throw new XenException("FEATURE_RESTRICTED");
        return access.Set(unit, pci, enable: false);
    });

    [XenMessage("PCI.enable_dom0_access")]
    public string EnablePciAccess(CallContext context, Ref self) => store.Commit(unit => access.Set(unit, unit.Get("PCI", self), enable: true));

    [XenMessage("PCI.disable_dom0_access")]
    public string DisablePciAccess(CallContext context, Ref self) => store.Commit(unit => access.Set(unit, unit.Get("PCI", self), enable: false));

    [XenMessage("PCI.get_dom0_access_status")]
    public string GetAccessStatus(CallContext context, Ref self) => access.Status(store.Current, store.Current.Get("PCI", self));

    private static Record Pci(IRecords records, Ref pgpu) => records.Get("PCI", records.Get("PGPU", pgpu).Target("PCI"));

    private static void Require(XenFailure? failure)
    {
        if (failure is not null)
            throw failure.AsException();
    }

    private static XenFailure? InUse(IRecords records, Record pgpu, string type) =>
        records.Pointing("VGPU", "resident_on", pgpu.Reference).Where(v => v.Target("type") == type).Select(v => v.Target("VM")).ToList() is { Count: > 0 } vms
            ? new("PGPU_IN_USE_BY_VM", vms)
            : null;

    private static void SetEnabled(UnitOfWork unit, Record pgpu, IEnumerable<string> types)
    {
        unit.Set(pgpu.Reference, GpuGroups.Enabled, XenArray.Of([.. types]));
        GpuGroups.Update(unit, pgpu.Target("GPU_group"), GpuGroups.Enabled);
    }
}
