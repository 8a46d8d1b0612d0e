using System.Globalization;
using System.Security.Cryptography;
using XapiCompat.Core.Queries;
using XapiCompat.Store;
using XapiCompat.Values;

namespace XapiCompat.Core.Services;

/// <summary>VM records: copies for snapshots and clones, and the text that a revert restores from.</summary>
public static class VmRecords
{
    /// <summary>Never taken back by a revert: identity, state of the moment, and what hangs on the VM.</summary>
    private static readonly HashSet<string> KeptByRevert = new(StringComparer.Ordinal)
    {
        "uuid", "suspend_VDI", "power_state", "parent", "current_operations", "allowed_operations", "metrics", "guest_metrics", "resident_on", "domid",
        "protection_policy", "snapshot_schedule", "scheduled_to_be_resident_on", "snapshots", "tags", "affinity", "groups", "consoles", "VBDs", "VIFs",
        "VGPUs", "VUSBs", "VTPMs", "attached_PCIs", "is_snapshot_from_vmpp", "children", "ha_always_run", "snapshot_of", "snapshot_time", "is_a_snapshot",
        "snapshot_info", "snapshot_metadata", "transportable_snapshot_id", "blobs", "crash_dumps", "is_vmss_snapshot",
    };

    /// <summary>Every field of a VM as one text; opaque to clients.</summary>
    public static string Metadata(Record vm) => SExpression.Write(
        vm.Class.Fields.Where(f => !f.Internal).Select(f => (f.Name, vm[f])).Prepend(("_ref", vm.Reference)));

    /// <summary>The same, without the record of the boot before, which would nest for ever.</summary>
    public static string BootRecord(Record vm) => SExpression.Write(
        vm.Class.Fields.Where(f => !f.Internal && f.Name is not ("last_booted_record" or "snapshot_metadata")).Select(f => (f.Name, vm[f])).Prepend(("_ref", vm.Reference)));

    /// <summary>A snapshot, or a clone or copy, of a VM's record; devices and disks are the caller's.</summary>
    /// <param name="info">snapshot_info of a snapshot.</param>
    public static Record Copy(UnitOfWork unit, IdSource ids, Record vm, string reference, string name, bool snapshot, XenStruct info, DateTimeOffset now)
    {
        var definition = unit.Model.Class("VM");
        unit.Insert(definition, reference, RecordCopy.Fields(vm, "current_operations", "allowed_operations"));
        void Set(string field, XenValue value) => unit.Set(reference, field, value);
        Set("uuid", ids.NewUuidText());
        Set("name_label", name);
        Set("is_default_template", false);
        Set("is_a_snapshot", snapshot);
        Set("is_a_template", snapshot || vm.Flag("is_a_template"));
        Set("snapshot_of", snapshot ? vm.Reference : Ref.Null.Text);
        Set("snapshot_time", snapshot ? XenDate.Format(now) : XenDate.Never);
        Set("snapshot_info", snapshot ? info : XenStruct.Empty);
        Set("snapshot_metadata", snapshot ? Metadata(vm) : "");
        Set("transportable_snapshot_id", "");
        Set("parent", snapshot ? vm["parent"] : Ref.Null.Text);
        Set("power_state", "Halted");
        Set("other_config", OtherConfig(vm, ids, snapshot));
        Set("blocked_operations", XenStruct.Empty);
        Set("generation_id", vm.Text("generation_id").Length == 0 ? "" : NewGenerationId());
        Set("blobs", XenStruct.Empty);
        foreach (var link in (string[])["suspend_VDI", "suspend_SR", "appliance", "protection_policy", "snapshot_schedule", "resident_on", "scheduled_to_be_resident_on"])
            Set(link, Ref.Null.Text);
        foreach (var number in (string[])["start_delay", "shutdown_delay", "order", "version"])
            Set(number, 0);
        foreach (var flag in (string[])["ha_always_run", "is_snapshot_from_vmpp", "is_vmss_snapshot", "requires_reboot"])
            Set(flag, false);
        Set("domid", -1);
        Set("metrics", CopyMetrics(unit, ids, vm.Target("metrics"), "VM_metrics"));
        Set("guest_metrics", CopyMetrics(unit, ids, vm.Target("guest_metrics"), "VM_guest_metrics"));
        return unit.Find(reference)!;
    }

    /// <summary>Puts a VM's fields back to what a snapshot's metadata say.</summary>
    public static void Restore(UnitOfWork unit, IdSource ids, Record vm, Record snapshot)
    {
        var saved = SExpression.ReadPairs(snapshot.Text("snapshot_metadata"));
        if (saved.Count == 0)
        {
            // A snapshot without metadata: its own record is the best there is.
            foreach (var field in vm.Class.Fields.Where(f => !f.Computed && !f.Internal && !KeptByRevert.Contains(f.Name) && f.Name is not ("name_label" or "is_a_template")))
                unit.Set(vm.Reference, field.Name, snapshot[field]);
        }

        foreach (var (name, text) in saved)
        {
            if (vm.Class.FindColumn(name) is { Computed: false, Internal: false } field && !KeptByRevert.Contains(field.Name))
                unit.Set(vm.Reference, field.Name, SExpression.ReadValue(text, field.Type));
        }

        unit.Set(vm.Reference, "ha_always_run", false);
        if (vm.Text("generation_id").Length > 0)
            unit.Set(vm.Reference, "generation_id", NewGenerationId());
        ReplaceMetrics(unit, ids, vm, snapshot, "metrics");
        ReplaceMetrics(unit, ids, vm, snapshot, "guest_metrics");
    }

    public static string CopyMetrics(UnitOfWork unit, IdSource ids, string metrics, string @class)
    {
        if (unit.Find(metrics) is not { } source || source.Class.Name != @class)
            return Ref.Null.Text;
        var reference = ids.NewReference();
        unit.Insert(source.Class, reference, RecordCopy.Fields(source));
        unit.Set(reference, "uuid", ids.NewUuidText());
        return reference;
    }

    /// <summary>Two signed 64-bit numbers; guests see a change of them as "I am a copy".</summary>
    public static string NewGenerationId()
    {
        var bytes = RandomNumberGenerator.GetBytes(16);
        return BitConverter.ToInt64(bytes, 0).ToString(CultureInfo.InvariantCulture) + ":" + BitConverter.ToInt64(bytes, 8).ToString(CultureInfo.InvariantCulture);
    }

    public static XenStruct Info(Record vm) =>
        XenStruct.Of(("power-state-at-snapshot", vm.Text("power_state")), ("disk-snapshot-type", "crash_consistent"));

    private static XenStruct OtherConfig(Record vm, IdSource ids, bool snapshot)
    {
        var map = vm.Map("other_config").Without("default_template").Without("xensource_internal");
        if (vm.Flag("is_a_template") && !vm.Flag("is_a_snapshot") && !map.Contains("base_template_name"))
            map = map.With("base_template_name", vm.Text("name_label"));
        return snapshot ? map : map.With("mac_seed", ids.NewUuidText());
    }

    private static void ReplaceMetrics(UnitOfWork unit, IdSource ids, Record vm, Record snapshot, string field)
    {
        var (target, source) = (unit.Find(vm.Target(field)), unit.Find(snapshot.Target(field)));
        if (source is null)
        {
            if (target is not null && field == "guest_metrics")
            {
                unit.Delete(target.Reference);
                unit.Set(vm.Reference, field, Ref.Null.Text);
            }

            return;
        }

        // The values go over, the object stays: clients may hold its reference.
        if (target is null)
        {
            unit.Set(vm.Reference, field, CopyMetrics(unit, ids, source.Reference, source.Class.Name));
            return;
        }

        foreach (var (name, value) in RecordCopy.Fields(source, "uuid"))
            unit.Set(target.Reference, name, value);
    }
}
