using XapiCompat.Core.Services;
using XapiCompat.Store;
using XapiCompat.Values;

namespace XapiCompat.Core.Machines;

/// <summary>
/// What the records show of a VM's domain. Each function is one change of power state with everything that belongs to
/// it, for use inside a commit.
/// </summary>
public sealed class MachineRecords(IdSource ids, TimeProvider clock)
{
    /// <summary>Start: a domain with all devices, consoles and metrics of its own; what the guest said before is forgotten.</summary>
    public void Started(UnitOfWork unit, string vm, string host, long domid, bool paused)
    {
        Place(unit, vm, host, domid, paused);
        DeviceAttachment.AttachAll(unit, unit.Find(vm)!);
        ForgetGuest(unit, vm);
        Boot(unit, vm, host);
        MemoryModel.Refresh(unit, host);
    }

    /// <summary>Reboot: a new domain, with the devices that were connected meanwhile as well.</summary>
    public void Rebooted(UnitOfWork unit, string vm, long domid)
    {
        var host = unit.Find(vm)!.Target("resident_on");
        Place(unit, vm, host, domid, paused: false);
        DeviceAttachment.AttachAll(unit, unit.Find(vm)!);
        ForgetGuest(unit, vm);
        unit.Set(vm, "requires_reboot", false);
        Boot(unit, vm, host);
        MemoryModel.Refresh(unit, host);
    }

    public void Resumed(UnitOfWork unit, string vm, string host, long domid, bool paused)
    {
        Place(unit, vm, host, domid, paused);
        DeviceAttachment.AttachAll(unit, unit.Find(vm)!);
        WriteMetrics(unit, unit.Find(vm)!, newBoot: false);
        MemoryModel.Refresh(unit, host);
    }

    public void Migrated(UnitOfWork unit, string vm, string host, long domid)
    {
        var from = unit.Find(vm)!.Target("resident_on");
        Place(unit, vm, host, domid, unit.Find(vm)!.Text("power_state") == "Paused");
        MemoryModel.Refresh(unit, from);
        MemoryModel.Refresh(unit, host);
    }

    public static void Paused(UnitOfWork unit, string vm, bool paused) => unit.Set(vm, "power_state", paused ? "Paused" : "Running");

    /// <summary>Going Halted from any state: no domain, no attached device, nothing in the way of a start.</summary>
    public static void Halted(UnitOfWork unit, string vm)
    {
        unit.Set(vm, "power_state", "Halted");
        DeviceAttachment.DetachAll(unit, unit.Find(vm)!);
        unit.Set(vm, "requires_reboot", false);
        foreach (var guidances in (string[])["pending_guidances", "pending_guidances_recommended", "pending_guidances_full"])
            unit.Set(vm, guidances, XenArray.Of(unit.Find(vm)!.Set(guidances).Where(g => g is not ("restart_device_model" or "restart_vm"))));
        Leave(unit, vm);
    }

    /// <summary>Suspended: as Halted for host and domain, but the devices stay attached.</summary>
    public static void Suspended(UnitOfWork unit, string vm)
    {
        unit.Set(vm, "power_state", "Suspended");
        Leave(unit, vm);
    }

    /// <summary>What the guest's tools reported; a report of a guest that is gone changes nothing.</summary>
    public void Reported(UnitOfWork unit, string vm, GuestReport report)
    {
        if (unit.Find(vm) is not { } record)
            return;
        var reference = record.Target("guest_metrics");
        if (unit.Find(reference) is null)
        {
            reference = ids.NewReference();
            unit.Insert(unit.Model.Class("VM_guest_metrics"), reference, [("uuid", ids.NewUuidText())]);
            unit.Set(vm, "guest_metrics", reference);
        }

        void Set(string field, XenValue value) => unit.Set(reference, field, value);
        Set("os_version", XenStruct.Of(report.OsVersion));
        Set("PV_drivers_version", XenStruct.Of(report.DriverVersion));
        Set("PV_drivers_detected", report.DriversDetected);
        Set("PV_drivers_up_to_date", report.DriversDetected);
        Set("networks", XenStruct.Of(report.Networks));
        Set("memory", XenStruct.Of(report.Memory));
        Set("other", XenStruct.Of(report.Features));
        Set("can_use_hotplug_vbd", report.DriversDetected ? "yes" : "unspecified");
        Set("can_use_hotplug_vif", report.DriversDetected ? "yes" : "unspecified");
        Set("live", true);
        Set("last_updated", XenDate.Format(clock.GetUtcNow()));
    }

    /// <summary>Fields of VM_metrics that are not stored, after a restart of the server.</summary>
    public void Restore(UnitOfWork unit, string vm)
    {
        WriteMetrics(unit, unit.Find(vm)!, newBoot: false);
        EnsureConsoles(unit, vm);
    }

    /// <summary>The guest's memory changed; the host's free memory follows.</summary>
    public static void Ballooned(UnitOfWork unit, string vm, long memory)
    {
        var record = unit.Find(vm)!;
        unit.Set(vm, "memory_target", memory);
        if (unit.Find(record.Target("metrics")) is { } metrics)
            unit.Set(metrics.Reference, "memory_actual", memory);
        MemoryModel.Refresh(unit, record.Target("resident_on"));
    }

    /// <summary>The VM counts on a host from now on and on its way to none.</summary>
    public static void Arrived(UnitOfWork unit, string vm, string host)
    {
        var from = unit.Find(vm)!.Target("resident_on");
        unit.Set(vm, "resident_on", host);
        unit.Set(vm, "scheduled_to_be_resident_on", Ref.Null.Text);
        MemoryModel.Refresh(unit, from);
        MemoryModel.Refresh(unit, host);
    }

    private void Place(UnitOfWork unit, string vm, string host, long domid, bool paused)
    {
        unit.Set(vm, "power_state", paused ? "Paused" : "Running");
        unit.Set(vm, "resident_on", host);
        unit.Set(vm, "scheduled_to_be_resident_on", Ref.Null.Text);
        unit.Set(vm, "domid", domid);
        EnsureConsoles(unit, vm);
    }

    /// <summary>What every boot writes down: times, the record that it booted with, the host's processor.</summary>
    private void Boot(UnitOfWork unit, string vm, string host)
    {
        var record = unit.Find(vm)!;
        unit.Set(vm, "memory_target", record.Int("memory_dynamic_max"));
        WriteMetrics(unit, unit.Find(vm)!, newBoot: true);
        var cpu = unit.Find(host)!.Map("cpu_info");
        unit.Set(vm, "last_boot_CPU_flags", XenStruct.Of(("vendor", cpu["vendor"] ?? ""), ("features", cpu[DomainTypes.Of(record) == "pv" ? "features_pv" : "features_hvm"] ?? "")));
        unit.Set(vm, "last_booted_record", VmRecords.BootRecord(unit.Find(vm)!));
    }

    private void WriteMetrics(UnitOfWork unit, Record vm, bool newBoot)
    {
        if (unit.Find(vm.Target("metrics")) is not { } metrics)
        {
            metrics = unit.Insert(unit.Model.Class("VM_metrics"), ids.NewReference(), [("uuid", ids.NewUuidText())]);
            unit.Set(vm.Reference, "metrics", metrics.Reference);
        }

        var now = XenDate.Format(clock.GetUtcNow());
        void Set(string field, XenValue value) => unit.Set(metrics.Reference, field, value);
        if (newBoot)
        {
            Set("start_time", now);
            Set("VCPUs_number", vm.Int("VCPUs_at_startup"));
            Set("current_domain_type", DomainTypes.Of(vm));
            if (metrics.Text("install_time") == XenDate.Epoch)
                Set("install_time", now);
        }

        Set("hvm", DomainTypes.Of(vm) == "hvm");
        Set("nested_virt", IsTrue(vm, "nested-virt"));
        Set("nomigrate", IsTrue(vm, "nomigrate"));
        Set("memory_actual", vm.Int("memory_target") > 0 ? vm.Int("memory_target") : vm.Int("memory_dynamic_max"));
        Set("last_updated", now);
    }

    private static void Leave(UnitOfWork unit, string vm)
    {
        var record = unit.Find(vm)!;
        var host = record.Target("resident_on");
        unit.Set(vm, "resident_on", Ref.Null.Text);
        unit.Set(vm, "scheduled_to_be_resident_on", Ref.Null.Text);
        unit.Set(vm, "domid", -1);
        foreach (var console in record.Set("consoles").ToList())
            unit.Delete(console);
        if (unit.Find(record.Target("metrics")) is { } metrics)
            unit.Set(metrics.Reference, "memory_actual", 0);

        if (unit.Find(record.Target("guest_metrics")) is { } guest)
            unit.Set(guest.Reference, "live", false);
        MemoryModel.Refresh(unit, host);
    }

    private void EnsureConsoles(UnitOfWork unit, string vm)
    {
        var record = unit.Find(vm)!;
        var address = unit.Find(record.Target("resident_on"))?.Text("address") ?? "";
        var present = record.Set("consoles").Select(unit.Find).OfType<Record>().ToDictionary(c => c.Text("protocol"), c => c.Reference, StringComparer.Ordinal);
        foreach (var protocol in (string[])["rfb", "vt100"])
        {
            if (!present.TryGetValue(protocol, out var reference))
            {
                reference = ids.NewReference();
                unit.Insert(unit.Model.Class("console"), reference, [("uuid", ids.NewUuidText()), ("protocol", protocol), ("VM", vm)]);
            }

            unit.Set(reference, "location", "https://" + address + "/console?ref=" + reference);
        }
    }

    private static void ForgetGuest(UnitOfWork unit, string vm)
    {
        unit.Delete(unit.Find(vm)!.Target("guest_metrics"));
        unit.Set(vm, "guest_metrics", Ref.Null.Text);
    }

    private static bool IsTrue(Record vm, string key) => vm.Map("platform")[key]?.ToString() is "true" or "1";
}
