using System.Globalization;
using XapiCompat.Core.Devices;
using XapiCompat.Core.Dispatch;
using XapiCompat.Core.Networking;
using XapiCompat.Core.Services;
using XapiCompat.Store;
using XapiCompat.Values;

namespace XapiCompat.Core.Handlers;

/// <summary>Virtual GPUs and groups of physical ones.</summary>
public sealed class VgpuHandlers(RecordStore store, IdSource ids)
{
    /// <summary>A guest's PCI bus has room for devices 0 to this.</summary>
    private const int HighestDevice = 20;

    [XenMessage("VGPU.create")]
    public Ref Create(CallContext context, Ref vm, Ref group, string device, XenStruct otherConfig, Ref type) => store.Commit(unit =>
    {
        if (!PoolFacts.HasFeature(unit, "restrict_gpu"))
            throw new XenException("FEATURE_RESTRICTED");
        var owner = unit.Get("VM", vm);
        if (!owner.Flag("is_a_snapshot") && owner.Text("power_state") != "Halted")
            throw new XenException("VM_BAD_POWER_STATE", vm.Text, "halted", owner.Text("power_state").ToLowerInvariant());
        unit.Get("GPU_group", group);
        var kind = type.IsNull ? Passthrough(unit) : PoolFacts.RequireReference(unit, "VGPU_type", "type", type);
        var others = unit.Pointing("VGPU", "VM", vm.Text).ToList();
        if (others.Any(o => unit.FindOf("VGPU_type", o.Target("type"))?.Set("compatible_types_in_vm").Contains(kind.Reference) != true))
            throw new XenException("VGPU_TYPE_NOT_COMPATIBLE", kind.Reference);
        return unit.Insert(
            unit.Model.Class("VGPU"),
            ids.NewReference(),
            ("uuid", ids.NewUuidText()),
            ("VM", vm.Text),
            ("GPU_group", group.Text),
            ("device", Device(vm, others, device)),
            ("other_config", Storable.Clean(otherConfig)),
            ("type", kind.Reference)).Ref;
    });

    [XenMessage("VGPU.destroy")]
    public void Destroy(CallContext context, Ref self) => store.Commit(unit =>
    {
        if (unit.FindOf("VM", unit.Get("VGPU", self).Target("VM"))?.Text("power_state") is "Running" or "Paused")
            throw new XenException("OPERATION_NOT_ALLOWED", "a VM keeps its vGPU while it has a domain");
        unit.Delete(self.Text);
    });

    /// <summary>What a host calls when a VM with the device has started there: it is no longer scheduled.</summary>
    [XenMessage("VGPU.atomic_set_resident_on")]
    public void SetResidentOn(CallContext context, Ref self, Ref value) => store.Commit(unit =>
    {
        unit.Get("VGPU", self);
        unit.Set(self.Text, "resident_on", value.IsNull ? Ref.Null.Text : unit.Get("PGPU", value).Reference);
        unit.Set(self.Text, "scheduled_to_be_resident_on", Ref.Null.Text);
    });

    [XenMessage("GPU_group.create")]
    public Ref CreateGroup(CallContext context, string nameLabel, string nameDescription, XenStruct otherConfig) => store.Commit(unit => unit.Insert(
        unit.Model.Class("GPU_group"),
        ids.NewReference(),
        ("uuid", ids.NewUuidText()),
        ("name_label", Storable.Clean(nameLabel)),
        ("name_description", Storable.Clean(nameDescription)),
        ("other_config", Storable.Clean(otherConfig))).Ref);

    /// <summary>Virtual GPUs that are not attached go with the group.</summary>
    [XenMessage("GPU_group.destroy")]
    public void DestroyGroup(CallContext context, Ref self) => store.Commit(unit =>
    {
        unit.Get("GPU_group", self);
        var vgpus = unit.Pointing("VGPU", "GPU_group", self.Text).ToList();
        if (vgpus.Where(v => v.Flag("currently_attached")).Select(v => v.Reference).ToList() is { Count: > 0 } attached)
            throw new XenException("GPU_GROUP_CONTAINS_VGPU", attached);
        if (unit.Pointing("PGPU", "GPU_group", self.Text).Select(p => p.Reference).ToList() is { Count: > 0 } pgpus)
            throw new XenException("GPU_GROUP_CONTAINS_PGPU", pgpus);
        vgpus.ForEach(v => unit.Delete(v.Reference));
        unit.Delete(self.Text);
    });

    [XenMessage("GPU_group.update_enabled_VGPU_types")]
    public void UpdateEnabled(CallContext context, Ref self) => store.Commit(unit => GpuGroups.Update(unit, unit.Get("GPU_group", self).Reference, GpuGroups.Enabled));

    [XenMessage("GPU_group.update_supported_VGPU_types")]
    public void UpdateSupported(CallContext context, Ref self) => store.Commit(unit => GpuGroups.Update(unit, unit.Get("GPU_group", self).Reference, GpuGroups.Supported));

    [XenMessage("GPU_group.get_remaining_capacity")]
    public long GetRemainingCapacity(CallContext context, Ref self, Ref vgpuType) =>
        GpuCapacity.RemainingInGroup(store.Current, store.Current.Get("GPU_group", self), store.Current.Get("VGPU_type", vgpuType), out _);

    /// <summary>0 asks for the first free place.</summary>
    private static string Device(Ref vm, List<Record> others, string asked)
    {
        if (!int.TryParse(asked, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var number))
            throw new XenException("INVALID_DEVICE", asked);
        var used = others.Select(o => o.Text("device")).ToHashSet(StringComparer.Ordinal);
        if (number == 0)
        {
            return Enumerable.Range(0, HighestDevice + 1).Select(n => n.ToString(CultureInfo.InvariantCulture)).FirstOrDefault(n => !used.Contains(n))
                ?? throw new XenException("VM_PCI_BUS_FULL", vm.Text);
        }

        if (used.Contains(number.ToString(CultureInfo.InvariantCulture)))
            throw new XenException("DEVICE_ALREADY_EXISTS", asked);
        return number is > 0 and <= HighestDevice ? number.ToString(CultureInfo.InvariantCulture) : throw new XenException("INVALID_DEVICE", asked);
    }

    /// <summary>The type that stands for a whole GPU; there is one in a pool, made when first needed.</summary>
    private Record Passthrough(UnitOfWork unit) =>
        unit.All(unit.Model.Class("VGPU_type")).FirstOrDefault(t => t.Text("implementation") == "passthrough" && t.Text("model_name") == "passthrough")
        ?? unit.Insert(
            unit.Model.Class("VGPU_type"),
            ids.NewReference(),
            ("uuid", ids.NewUuidText()),
            ("model_name", "passthrough"),
            ("implementation", "passthrough"),
            ("identifier", "0001:passthrough"));
}
