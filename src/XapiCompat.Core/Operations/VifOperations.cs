using XapiCompat.Core.Networking;
using XapiCompat.Store;
using XapiCompat.Values;

namespace XapiCompat.Core.Operations;

/// <summary>Which operations a VIF allows; see <see cref="VdiOperations"/>.</summary>
public static class VifOperations
{
    private static readonly string[] Listed = ["attach", "plug", "unplug"];

    public static IEnumerable<string> Allowed(IRecords records, Record vif) => Listed.Where(o => Check(records, vif, o) is null);

    public static XenFailure? Check(IRecords records, Record vif, string operation)
    {
        if (DeviceRules.Busy(vif) is { } busy)
            return busy;
        var vm = records.Find(vif.Target("VM"));
        if (operation is not ("plug" or "unplug") || vm is null)
            return null;
        if (operation == "plug" && vm.Flag("is_control_domain") && vm.Int("domid") == 0)
            return new("OPERATION_NOT_ALLOWED", "the control domain of a host takes no VIFs");
        if (PifTopology.IsSriovNetwork(records, vif.Target("network")))
            return new("OPERATION_NOT_ALLOWED", "a VM keeps its VIFs on SR-IOV while it runs");
        return DeviceRules.Plugging(vm, vif, operation, vif.Flag("currently_attached") || vif.Flag("reserved"))
            ?? DeviceRules.Leaving(vm)
            ?? CheckDrivers(records, vm);
    }

    private static XenFailure? CheckDrivers(IRecords records, Record vm)
    {
        var hvm = vm.Text("domain_type") is "unspecified" ? vm.Text("HVM_boot_policy").Length > 0 : vm.Text("domain_type") == "hvm";
        if (!hvm)
            return null;
        var guest = records.Find(vm.Target("guest_metrics"));
        return guest?.Text("can_use_hotplug_vif") switch
        {
            "yes" => null,
            "no" => new("OPERATION_NOT_ALLOWED", "the guest takes and gives up VIFs at start only"),
            _ => guest?.Flag("PV_drivers_detected") == true ? null : new("VM_MISSING_PV_DRIVERS", vm.Reference),
        };
    }
}
