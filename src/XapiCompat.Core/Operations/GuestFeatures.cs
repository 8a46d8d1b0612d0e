using XapiCompat.Core.Machines;
using XapiCompat.Store;
using XapiCompat.Values;

namespace XapiCompat.Core.Operations;

/// <summary>What a running guest must be able to do by itself. Paravirtualised guests and full drivers can do everything.</summary>
internal static class GuestFeatures
{
    /// <param name="advice">True for the published list; a call lets a guest without the feature try.</param>
    public static XenFailure? Check(IRecords records, Record vm, string operation, bool advice)
    {
        if (operation is not ("suspend" or "checkpoint" or "pool_migrate" or "migrate_send" or "clean_shutdown" or "clean_reboot" or "changing_VCPUs_live"))
            return null;
        if (vm.Text("power_state") is not ("Running" or "Paused"))
            return null;
        var guest = records.Find(vm.Target("guest_metrics"));
        var moves = operation is "suspend" or "checkpoint" or "pool_migrate" or "migrate_send";
        if (moves && guest?.Map("other")["data-cant-suspend-reason"] is { } reason)
            return new("VM_NON_SUSPENDABLE", vm.Reference, reason.ToString()!);
        if (guest?.Flag("PV_drivers_detected") == true || DomainTypes.RunsParavirtualised(records, vm))
            return null;
        bool Lacks(string feature) => guest?.Map("other")[feature]?.ToString() != "1";
        var lacks = operation switch
        {
            "clean_shutdown" => advice && Lacks("feature-shutdown") && Lacks("feature-poweroff"),
            "clean_reboot" => advice && Lacks("feature-shutdown") && Lacks("feature-reboot"),
            "changing_VCPUs_live" => Lacks("feature-vcpu-hotplug"),
            _ => advice && Lacks("feature-suspend"),
        };
        return lacks ? new("VM_LACKS_FEATURE", vm.Reference) : null;
    }
}
