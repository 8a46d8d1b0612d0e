using XapiCompat.Core.Dispatch;
using XapiCompat.Core.Operations;
using XapiCompat.Core.Services;
using XapiCompat.Store;
using XapiCompat.Values;

namespace XapiCompat.Core.Handlers;

/// <summary>Settings of VMs whose setters are explicit in the datamodel because they check more than the type.</summary>
public sealed class VmSettingHandlers(RecordStore store)
{
    [XenMessage("VM.set_other_config")]
    public void SetOtherConfig(CallContext context, Ref self, XenStruct value) => Set(self, "other_config", value);

    [XenMessage("VM.add_to_other_config")]
    public void AddToOtherConfig(CallContext context, Ref self, string key, string value) => Add(self, "other_config", key, value);

    [XenMessage("VM.remove_from_other_config")]
    public void RemoveFromOtherConfig(CallContext context, Ref self, string key) => Remove(self, "other_config", key);

    [XenMessage("VM.set_platform")]
    public void SetPlatform(CallContext context, Ref self, XenStruct value) => Set(self, "platform", value);

    [XenMessage("VM.add_to_platform")]
    public void AddToPlatform(CallContext context, Ref self, string key, string value) => Add(self, "platform", key, value);

    [XenMessage("VM.remove_from_platform")]
    public void RemoveFromPlatform(CallContext context, Ref self, string key) => Remove(self, "platform", key);

    [XenMessage("VM.set_blocked_operations")]
    public void SetBlockedOperations(CallContext context, Ref self, XenStruct value) => Set(self, "blocked_operations", value);

    [XenMessage("VM.add_to_blocked_operations")]
    public void AddToBlockedOperations(CallContext context, Ref self, string key, string value) => Add(self, "blocked_operations", key, value);

    [XenMessage("VM.remove_from_blocked_operations")]
    public void RemoveFromBlockedOperations(CallContext context, Ref self, string key) => Remove(self, "blocked_operations", key);

    [XenMessage("VM.set_NVRAM")]
    public void SetNvram(CallContext context, Ref self, XenStruct value) => Set(self, "NVRAM", value, "changing_NVRAM");

    [XenMessage("VM.add_to_NVRAM")]
    public void AddToNvram(CallContext context, Ref self, string key, string value)
    {
        Check(store.Current.Get("VM", self), "changing_NVRAM");
        Add(self, "NVRAM", key, value);
    }

    [XenMessage("VM.remove_from_NVRAM")]
    public void RemoveFromNvram(CallContext context, Ref self, string key)
    {
        Check(store.Current.Get("VM", self), "changing_NVRAM");
        Remove(self, "NVRAM", key);
    }

    [XenMessage("VM.set_actions_after_crash")]
    public void SetActionsAfterCrash(CallContext context, Ref self, string value) => Set(self, "actions_after_crash", value);

    [XenMessage("VM.set_domain_type")]
    public void SetDomainType(CallContext context, Ref self, string value)
    {
        RequireHalted(self);
        Set(self, "domain_type", value);
    }

    [XenMessage("VM.set_HVM_boot_policy")]
    public void SetHvmBootPolicy(CallContext context, Ref self, string value)
    {
        RequireHalted(self);
        Set(self, "HVM_boot_policy", value);
    }

    [XenMessage("VM.set_HVM_shadow_multiplier")]
    public void SetShadowMultiplier(CallContext context, Ref self, double value)
    {
        store.Current.Get("VM", self);
        if (value < 1)
            throw new XenException("INVALID_VALUE", "multiplier", value.ToString(System.Globalization.CultureInfo.InvariantCulture));
        Set(self, "HVM_shadow_multiplier", value, "changing_shadow_memory");
    }

    [XenMessage("VM.set_has_vendor_device")]
    public void SetHasVendorDevice(CallContext context, Ref self, bool value)
    {
        RequireHalted(self);
        Set(self, "has_vendor_device", value);
    }

    [XenMessage("VM.set_start_delay")]
    public void SetStartDelay(CallContext context, Ref self, long value) => SetNumber(self, "start_delay", value);

    [XenMessage("VM.set_shutdown_delay")]
    public void SetShutdownDelay(CallContext context, Ref self, long value) => SetNumber(self, "shutdown_delay", value);

    [XenMessage("VM.set_order")]
    public void SetOrder(CallContext context, Ref self, long value) => SetNumber(self, "order", value);

    [XenMessage("VM.set_VCPUs_max")]
    public void SetVcpusMax(CallContext context, Ref self, long value)
    {
        var vm = store.Current.Get("VM", self);
        RequireHalted(self);
        if (value <= 0 || value < vm.Int("VCPUs_at_startup"))
            throw Invalid("a VM starts with 1 to VCPUs_max processors", value);
        Set(self, "VCPUs_max", value);
    }

    [XenMessage("VM.set_VCPUs_at_startup")]
    public void SetVcpusAtStartup(CallContext context, Ref self, long value)
    {
        var vm = store.Current.Get("VM", self);
        RequireHalted(self);
        if (value <= 0 || value > vm.Int("VCPUs_max"))
            throw Invalid("a VM starts with 1 to VCPUs_max processors", value);
        Set(self, "VCPUs_at_startup", value);
    }

    [XenMessage("VM.set_memory_limits")]
    public void SetMemoryLimits(CallContext context, Ref self, long staticMin, long staticMax, long dynamicMin, long dynamicMax) =>
        SetMemory(self, "changing_memory_limits", staticMin, dynamicMin, dynamicMax, staticMax);

    [XenMessage("VM.set_memory")]
    public void SetMemory(CallContext context, Ref self, long value)
    {
        var vm = store.Current.Get("VM", self);
        SetMemory(self, "changing_memory_limits", vm.Int("memory_static_min"), value, value, value);
    }

    [XenMessage("VM.set_memory_dynamic_range")]
    public void SetMemoryDynamicRange(CallContext context, Ref self, long min, long max)
    {
        var vm = store.Current.Get("VM", self);
        SetMemory(self, "changing_dynamic_range", vm.Int("memory_static_min"), min, max, vm.Int("memory_static_max"));
    }

    [XenMessage("VM.set_memory_dynamic_min")]
    public void SetMemoryDynamicMin(CallContext context, Ref self, long value) =>
        SetMemoryDynamicRange(context, self, value, store.Current.Get("VM", self).Int("memory_dynamic_max"));

    [XenMessage("VM.set_memory_dynamic_max")]
    public void SetMemoryDynamicMax(CallContext context, Ref self, long value) =>
        SetMemoryDynamicRange(context, self, store.Current.Get("VM", self).Int("memory_dynamic_min"), value);

    [XenMessage("VM.set_memory_static_range")]
    public void SetMemoryStaticRange(CallContext context, Ref self, long min, long max)
    {
        var vm = store.Current.Get("VM", self);
        SetMemory(self, "changing_static_range", min, vm.Int("memory_dynamic_min"), vm.Int("memory_dynamic_max"), max);
    }

    [XenMessage("VM.set_memory_static_min")]
    public void SetMemoryStaticMin(CallContext context, Ref self, long value) =>
        SetMemoryStaticRange(context, self, value, store.Current.Get("VM", self).Int("memory_static_max"));

    [XenMessage("VM.set_memory_static_max")]
    public void SetMemoryStaticMax(CallContext context, Ref self, long value) =>
        SetMemoryStaticRange(context, self, store.Current.Get("VM", self).Int("memory_static_min"), value);

    private void SetMemory(Ref self, string operation, long staticMin, long dynamicMin, long dynamicMax, long staticMax)
    {
        var vm = store.Current.Get("VM", self);
        Check(vm, operation);

        // Some VMs cannot give memory back: theirs is what the static maximum says.
        var pinned = vm.Flag("is_control_domain") ? "control domain" : vm.Map("platform")["nested-virt"]?.ToString() == "true" ? "nested virt" : null;
        if (pinned is not null && (dynamicMin != dynamicMax || dynamicMax != staticMax))
            throw new XenException("MEMORY_CONSTRAINT_VIOLATION_MAXPIN", pinned);
        if (staticMin < 0 || staticMin > dynamicMin || dynamicMin > dynamicMax || dynamicMax > staticMax)
            throw new XenException("MEMORY_CONSTRAINT_VIOLATION_ORDER");
        store.Commit(unit =>
        {
            unit.Get("VM", self);
            unit.Set(self.Text, "memory_static_min", staticMin);
            unit.Set(self.Text, "memory_dynamic_min", dynamicMin);
            unit.Set(self.Text, "memory_dynamic_max", dynamicMax);
            unit.Set(self.Text, "memory_static_max", staticMax);
        });
    }

    private void SetNumber(Ref self, string field, long value)
    {
        store.Current.Get("VM", self);
        if (value < 0)
            throw new XenException("INVALID_VALUE", field, value.ToString(System.Globalization.CultureInfo.InvariantCulture));
        Set(self, field, value);
    }

    private static XenException Invalid(string rule, long value) =>
        new("INVALID_VALUE", rule, value.ToString(System.Globalization.CultureInfo.InvariantCulture));

    private void RequireHalted(Ref self)
    {
        var vm = store.Current.Get("VM", self);
        if (vm.Text("power_state") != "Halted")
            throw new XenException("VM_BAD_POWER_STATE", self.Text, "halted", vm.Text("power_state").ToLowerInvariant());
    }

    private void Set(Ref self, string field, XenValue value, string? operation = null) => store.Commit(unit =>
    {
        var vm = unit.Get("VM", self);
        if (operation is not null)
            Check(vm, operation);
        unit.Set(self.Text, field, Storable.Clean(value));
    });

    private void Check(Record vm, string operation)
    {
        if (VmOperations.Check(store.Current, vm, operation) is { } failure)
            throw failure.AsException();
    }

    private void Add(Ref self, string field, string key, string value) =>
        store.Commit(unit => MapEdits.Add(unit, unit.Get("VM", self), field, key, value));

    private void Remove(Ref self, string field, string key) =>
        store.Commit(unit => MapEdits.Remove(unit, unit.Get("VM", self), field, key));
}
