using XapiCompat.Core.Dispatch;
using XapiCompat.Core.Machines;
using XapiCompat.Core.Operations;
using XapiCompat.Core.Queries;
using XapiCompat.Core.Services;
using XapiCompat.Store;
using XapiCompat.Values;

namespace XapiCompat.Core.Handlers;

/// <summary>Talking to guests, and what they say.</summary>
public sealed class VmGuestHandlers(RecordStore store, OperationGuard guard, GuestActions actions, DataSources sources)
{
    /// <summary>Fields that a boot record shows as they are now.</summary>
    private static readonly HashSet<string> Current = new(StringComparer.Ordinal)
    {
        "uuid", "power_state", "allowed_operations", "current_operations", "name_label", "name_description", "resident_on", "scheduled_to_be_resident_on", "affinity",
        "memory_target", "domid", "metrics", "guest_metrics", "last_booted_record", "snapshot_metadata", "ha_always_run", "ha_restart_priority", "other_config", "tags",
        "blocked_operations", "parent", "suspend_VDI", "VCPUs_params",
    };

    [XenMessage("VM.send_sysrq")]
    public ValueTask SendSysrq(CallContext context, Ref vm, string key) => actions.SignalAsync(context, vm, GuestSignal.SysRq, key);

    [XenMessage("VM.send_trigger")]
    public ValueTask SendTrigger(CallContext context, Ref vm, string trigger) => actions.SignalAsync(context, vm, GuestSignal.Trigger, trigger);

    [XenMessage("VM.sysprep")]
    public ValueTask Sysprep(CallContext context, Ref self, string unattend, double timeout)
    {
        store.Current.Get("VM", self);
        if (!(timeout >= 0))
            throw new XenException("INVALID_VALUE", "timeout", timeout.ToString(System.Globalization.CultureInfo.InvariantCulture));
        return actions.SysprepAsync(context, self);
    }

    /// <summary>The guest agent is the only plugin; it can switch remote desktops where the guest offers that.</summary>
    [XenMessage("VM.call_plugin")]
    public async ValueTask<string> CallPlugin(CallContext context, Ref vm, string plugin, string fn, XenStruct args)
    {
        await using var scope = await guard.BeginAsync(context, [new("VM", vm.Text, "call_plugin")], patience: TimeSpan.Zero);
        if (plugin != "guest-agent-operation")
            throw new XenException("XENAPI_MISSING_PLUGIN", plugin);
        if (fn is not ("request-rdp-on" or "request-rdp-off"))
            throw new XenException("XENAPI_PLUGIN_FAILURE", "failed to find fn", "no function " + fn, "no function " + fn);
        store.Commit(unit =>
        {
            if (unit.Find(unit.Get("VM", vm).Target("guest_metrics")) is not { } guest || guest.Map("other")["feature-ts2"]?.ToString() is null or "" or "0")
                throw new XenException("XENAPI_PLUGIN_FAILURE", "the guest refused", "the guest cannot do " + fn, "the guest cannot do " + fn);
            unit.Set(guest.Reference, "other", guest.Map("other").With("data-ts", fn == "request-rdp-on" ? "1" : "0"));
            scope.End(unit);
        });
        return "";
    }

    /// <summary>Services of a system domain, as its tools report them.</summary>
    [XenMessage("VM.query_services")]
    public async ValueTask<XenValue> QueryServices(CallContext context, Ref self)
    {
        await using var scope = await guard.BeginAsync(context, [new("VM", self.Text, "query_services")]);
        return store.Current.Find(store.Current.Get("VM", self).Target("guest_metrics"))?.Map("services") ?? XenStruct.Empty;
    }

    /// <summary>The guest's own sleep keeps the domain; only its metrics tell.</summary>
    [XenMessage("VM.s3_suspend")]
    public void S3Suspend(CallContext context, Ref vm) => Sleep(vm, ["s3"]);

    [XenMessage("VM.s3_resume")]
    public void S3Resume(CallContext context, Ref vm) => Sleep(vm, []);

    /// <summary>The record that the VM has booted with, with what is not fixed by a boot as it is now.</summary>
    [XenMessage("VM.get_boot_record")]
    public async ValueTask<XenValue> GetBootRecord(CallContext context, Ref self)
    {
        await using var scope = await guard.BeginAsync(context, [new("VM", self.Text, "get_boot_record")]);
        var vm = store.Current.Get("VM", self);
        var booted = SExpression.ReadPairs(vm.Text("last_booted_record")).ToDictionary(p => p.Name, p => p.Value, StringComparer.Ordinal);
        return new XenStruct(
            [.. vm.Class.FieldNames],
            [.. vm.Class.FieldNames.Select(name => vm.Class.Find(name) is { Computed: false } field && !Current.Contains(name) && booted.TryGetValue(name, out var text)
                ? SExpression.ReadValue(text, field.Type)
                : vm[name])]);
    }

    [XenMessage("VM.get_data_sources")]
    public async ValueTask<XenValue> GetDataSources(CallContext context, Ref self) =>
        await MeasureAsync(context, self, vm => sources.Describe(store.Current, vm));

    [XenMessage("VM.query_data_source")]
    public async ValueTask<XenValue> QueryDataSource(CallContext context, Ref self, string dataSource) =>
        await MeasureAsync(context, self, vm => sources.Query(store.Current, vm, dataSource));

    [XenMessage("VM.record_data_source")]
    public async ValueTask RecordDataSource(CallContext context, Ref self, string dataSource) =>
        await MeasureAsync(context, self, vm => Record(vm, dataSource, on: true));

    [XenMessage("VM.forget_data_source_archives")]
    public async ValueTask ForgetDataSourceArchives(CallContext context, Ref self, string dataSource) =>
        await MeasureAsync(context, self, vm => Record(vm, dataSource, on: false));

    private XenString Record(Record vm, string name, bool on)
    {
        sources.Record(store.Current, vm, name, on);
        return XenValue.Void;
    }

    private async ValueTask<XenValue> MeasureAsync(CallContext context, Ref self, Func<Record, XenValue> measure)
    {
        await using var scope = await guard.BeginAsync(context, [new("VM", self.Text, "data_source_op")]);
        return measure(store.Current.Get("VM", self));
    }

    private void Sleep(Ref vm, string[] state) => store.Commit(unit =>
    {
        var record = unit.Get("VM", vm);
        if (record.Text("power_state") != "Running")
            throw new XenException("VM_BAD_POWER_STATE", vm.Text, "running", record.Text("power_state").ToLowerInvariant());
        if (unit.Find(record.Target("metrics")) is { } metrics)
            unit.Set(metrics.Reference, "state", XenArray.Of(state));
    });
}
