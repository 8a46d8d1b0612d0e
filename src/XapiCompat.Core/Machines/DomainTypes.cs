using XapiCompat.Store;

namespace XapiCompat.Core.Machines;

/// <summary>How a VM boots.</summary>
public static class DomainTypes
{
    /// <summary>The type that a VM would start with; old clients set the boot policy only.</summary>
    public static string Of(Record vm) =>
        vm.Text("domain_type") is var type and not "unspecified" ? type : vm.Text("HVM_boot_policy").Length == 0 ? "pv" : "hvm";

    /// <summary>True when the VM has surely booted paravirtualised: then no tools are asked for.</summary>
    public static bool RunsParavirtualised(IRecords records, Record vm)
    {
        var current = records.Find(vm.Target("metrics"))?.Text("current_domain_type") ?? "unspecified";
        return (current == "unspecified" ? Of(vm) : current) is "pv" or "pv_in_pvh" or "pvh";
    }

    public static bool IsUefi(Record vm) => vm.Map("HVM_boot_params")["firmware"]?.ToString() == "uefi";
}
