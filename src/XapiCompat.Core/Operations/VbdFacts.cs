using XapiCompat.Store;

namespace XapiCompat.Core.Operations;

/// <summary>What the rules ask about a VBD and its VM.</summary>
public static class VbdFacts
{
    /// <summary>The VM has its disk, or is about to have it.</summary>
    public static bool IsActive(Record vbd) => vbd.Flag("currently_attached") || vbd.Flag("reserved");

    /// <summary>
    /// True when nobody else may have the disk because of this VBD. Suspended VMs are really off, and system domains know
    /// how to share.
    /// </summary>
    public static bool HoldsDisk(IRecords records, Record vbd)
    {
        if (!IsActive(vbd) && vbd.Map("current_operations").Count == 0)
            return false;
        return records.Find(vbd.Target("VM")) is not { } vm || (vm.Text("power_state") != "Suspended" && !IsSystemDomain(vm));
    }

    /// <summary>Empty drives exist in emulated hardware only; a PV guest gets a drive with its disk.</summary>
    public static bool AttachesAtStart(Record vm, Record vbd) => !vbd.Flag("empty") || IsHvm(vm);

    public static bool IsHvm(Record vm) => vm.Text("domain_type") switch
    {
        "hvm" => true,
        "unspecified" => vm.Text("HVM_boot_policy").Length > 0,
        _ => false,
    };

    public static bool IsSystemDomain(Record vm) =>
        vm.Flag("is_control_domain") || vm.Map("other_config")["is_system_domain"]?.ToString() == "true";
}
