using XapiCompat.Core.Dispatch;
using XapiCompat.Core.Machines;
using XapiCompat.Core.Services;
using XapiCompat.Store;
using XapiCompat.Values;

namespace XapiCompat.Core.Handlers;

/// <summary>Appliances, groups and the protection of VMs: what several VMs have to do with each other.</summary>
public sealed class VmApplianceHandlers(RecordStore store, ApplianceService appliances)
{
    private static readonly string[] Priorities = ["restart", "best-effort", ""];

    [XenMessage("VM_appliance.start")]
    public ValueTask Start(CallContext context, Ref self, bool paused) => appliances.StartAsync(context, self, paused);

    [XenMessage("VM_appliance.clean_shutdown")]
    public ValueTask CleanShutdown(CallContext context, Ref self) => appliances.CleanShutdownAsync(context, self);

    [XenMessage("VM_appliance.hard_shutdown")]
    public ValueTask HardShutdown(CallContext context, Ref self) => appliances.HardShutdownAsync(context, self);

    [XenMessage("VM_appliance.shutdown")]
    public ValueTask Shutdown(CallContext context, Ref self) => appliances.ShutdownAsync(context, self);

    [XenMessage("VM.set_appliance")]
    public void SetAppliance(CallContext context, Ref self, Ref value) => store.Commit(unit =>
    {
        AssertOrdinary(unit.Get("VM", self), "an appliance takes ordinary VMs only");
        if (!value.IsNull)
            unit.Get("VM_appliance", value);
        unit.Set(self.Text, "appliance", value.IsNull ? Ref.Null.Text : value.Text);
    });

    [XenMessage("VM.set_groups")]
    public void SetGroups(CallContext context, Ref self, XenArray value) => store.Commit(unit =>
    {
        AssertOrdinary(unit.Get("VM", self), "a group takes ordinary VMs only");
        if (value.Items.Count > 1)
            throw new XenException("TOO_MANY_GROUPS");
        foreach (var group in value.Items)
            unit.Get("VM_group", group.ToString()!);
        unit.Set(self.Text, "groups", value);
    });

    [XenMessage("VM.set_ha_restart_priority")]
    public void SetHaRestartPriority(CallContext context, Ref self, string value) => store.Commit(unit =>
    {
        var vm = unit.Get("VM", self);
        if (!Priorities.Contains(value))
            throw new XenException("INVALID_VALUE", "ha_restart_priority", value);
        if (vm.Text("ha_restart_priority") == value)
            return;
        unit.Set(self.Text, "ha_restart_priority", value);
        if (vm.Text("power_state") == "Running")
            unit.Set(self.Text, "ha_always_run", value == "restart");
    });

    [XenMessage("VM.set_ha_always_run")]
    public void SetHaAlwaysRun(CallContext context, Ref self, bool value) => SetHaRestartPriority(context, self, value ? "restart" : "");

    private static void AssertOrdinary(Record vm, string reason)
    {
        if (vm.Flag("is_control_domain") || vm.Flag("is_a_template") || vm.Flag("is_a_snapshot"))
            throw new XenException("OPERATION_NOT_ALLOWED", reason);
    }
}
