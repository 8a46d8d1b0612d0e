using XapiCompat.Core.Dispatch;
using XapiCompat.Core.Services;
using XapiCompat.Store;
using XapiCompat.Values;

namespace XapiCompat.Core.Machines;

/// <summary>
/// The claim of a VM on a host while it starts, resumes or migrates: it counts as memory in use there, and the host shows
/// the operation.
/// </summary>
internal static class HostReservation
{
    /// <summary>Chooses or checks the host and claims it; call it in the commit that marks the VM.</summary>
    /// <param name="on">The host that the caller asked for; null chooses.</param>
    /// <returns>The host's reference.</returns>
    public static string Take(UnitOfWork unit, CallContext context, string vm, string? on, string hostOperation)
    {
        var record = unit.Find(vm)!;
        if (record.Text("domain_type") == "unspecified")
            unit.Set(vm, "domain_type", DomainTypes.Of(record));
        if (hostOperation == "vm_start")
        {
            unit.Set(vm, "memory_overhead", MemoryModel.Overhead(record));
            if (record.Flag("has_vendor_device") && record.Int("hardware_platform_version") < 2)
                unit.Set(vm, "hardware_platform_version", 2);
        }

        record = unit.Find(vm)!;
        var host = on is not null ? Checked(unit, record, on) : unit.Find(record.Target("scheduled_to_be_resident_on")) ?? HostPlacement.Choose(unit, record);
        unit.Set(vm, "scheduled_to_be_resident_on", host.Reference);
        unit.Set(host.Reference, "current_operations", host.Map("current_operations").With(context.Task, hostOperation));
        return host.Reference;
    }

    /// <summary>Gives the claim up, after success and failure alike.</summary>
    public static void Release(UnitOfWork unit, CallContext context, string vm, string host)
    {
        if (unit.Find(host) is { } record)
            unit.Set(host, "current_operations", record.Map("current_operations").Without(context.Task));
        if (unit.Find(vm) is not null)
            unit.Set(vm, "scheduled_to_be_resident_on", Ref.Null.Text);
    }

    private static Record Checked(UnitOfWork unit, Record vm, string on)
    {
        var host = unit.Get("host", on);
        return HostPlacement.WhyNot(unit, vm, host) is { } reason ? throw reason.AsException() : host;
    }
}
