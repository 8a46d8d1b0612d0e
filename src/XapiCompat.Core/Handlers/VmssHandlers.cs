using XapiCompat.Core.Dispatch;
using XapiCompat.Core.Services;
using XapiCompat.Store;
using XapiCompat.Values;

namespace XapiCompat.Core.Handlers;

/// <summary>Snapshot schedules and the VMs that follow them.</summary>
public sealed class VmssHandlers(RecordStore store, VmssService schedules, IdSource ids)
{
    [XenMessage("VMSS.create")]
    public Ref Create(CallContext context, XenStruct args)
    {
        VmssSchedule.CheckRetained(((XenInt)args["retained_snapshots"]!).Number);
        var schedule = VmssSchedule.Complete(args["frequency"]!.ToString()!, (XenStruct)args["schedule"]!, strict: true);
        return store.Commit(unit =>
        {
            var reference = ids.NewReference();
            unit.Insert(unit.Model.Class("VMSS"), reference, CreateRecord.Fields(unit.Model.Class("VMSS"), args));
            unit.Set(reference, "uuid", ids.NewUuidText());
            unit.Set(reference, "schedule", schedule);
            return new Ref(reference);
        });
    }

    [XenMessage("VMSS.destroy")]
    public void Destroy(CallContext context, Ref self) => store.Commit(unit =>
    {
        if (unit.Get("VMSS", self).Set("VMs").Any())
            throw new XenException("VMSS_HAS_VM");
        MessageService.DeleteAbout(unit, "VMSS", unit.Get("VMSS", self).Uuid);
        unit.Delete(self.Text);
    });

    [XenMessage("VMSS.snapshot_now")]
    public async ValueTask<string> SnapshotNow(CallContext context, Ref vmss) =>
        await schedules.RunAsync(context, store.Current.Get("VMSS", vmss)) is { } failure ? throw failure.AsException() : "true";

    [XenMessage("VMSS.set_retained_snapshots")]
    public void SetRetainedSnapshots(CallContext context, Ref self, long value)
    {
        store.Current.Get("VMSS", self);
        VmssSchedule.CheckRetained(value);
        Set(self, "retained_snapshots", value);
    }

    /// <summary>The schedule is completed for the new frequency; keys that mean nothing to it go.</summary>
    [XenMessage("VMSS.set_frequency")]
    public void SetFrequency(CallContext context, Ref self, string value) => store.Commit(unit =>
    {
        var vmss = unit.Get("VMSS", self);
        unit.Set(self.Text, "schedule", VmssSchedule.Complete(value, vmss.Map("schedule"), strict: false));
        unit.Set(self.Text, "frequency", value);
    });

    /// <summary>Keys that are not given keep their values.</summary>
    [XenMessage("VMSS.set_schedule")]
    public void SetSchedule(CallContext context, Ref self, XenStruct value) => store.Commit(unit =>
    {
        var schedule = unit.Get("VMSS", self).Map("schedule");
        var given = VmssSchedule.Check(value);
        foreach (var name in given.Names)
            schedule = schedule.With(name, given[name]!);
        unit.Set(self.Text, "schedule", schedule);
    });

    [XenMessage("VMSS.add_to_schedule")]
    public void AddToSchedule(CallContext context, Ref self, string key, string value) => store.Commit(unit =>
    {
        var vmss = unit.Get("VMSS", self);
        MapEdits.Add(unit, vmss, "schedule", key, VmssSchedule.Check(XenStruct.Of((key, value)))[key]!);
    });

    [XenMessage("VMSS.remove_from_schedule")]
    public void RemoveFromSchedule(CallContext context, Ref self, string key) =>
        store.Commit(unit => MapEdits.Remove(unit, unit.Get("VMSS", self), "schedule", key));

    [XenMessage("VMSS.set_last_run_time")]
    public void SetLastRunTime(CallContext context, Ref self, XenDateTime value) => Set(self, "last_run_time", value);

    [XenMessage("VMSS.set_type")]
    public void SetType(CallContext context, Ref self, string value)
    {
        var vmss = store.Current.Get("VMSS", self);
        if (value == "snapshot_with_quiesce" && vmss.Set("VMs").FirstOrDefault() is { } vm)
            throw new XenException("VM_SNAPSHOT_WITH_QUIESCE_NOT_SUPPORTED", vm);
        Set(self, "type", value);
    }

    [XenMessage("VM.set_snapshot_schedule")]
    public void SetSnapshotSchedule(CallContext context, Ref self, Ref value) => store.Commit(unit =>
    {
        var vm = unit.Get("VM", self);
        if (!value.IsNull)
        {
            if (unit.Find(value.Text) is not { Class.Name: "VMSS" } vmss || vm.Flag("is_control_domain"))
                throw new XenException("INVALID_VALUE", value.Text);
            if (vm.Flag("is_a_template"))
                throw new XenException("VM_IS_TEMPLATE", self.Text);
            if (vmss.Text("type") == "snapshot_with_quiesce")
                throw new XenException("VM_SNAPSHOT_WITH_QUIESCE_NOT_SUPPORTED", self.Text);
        }

        unit.Set(self.Text, "snapshot_schedule", value.IsNull ? Ref.Null.Text : value.Text);
    });

    private void Set(Ref self, string field, XenValue value) => store.Commit(unit =>
    {
        unit.Get("VMSS", self);
        unit.Set(self.Text, field, value);
    });
}
