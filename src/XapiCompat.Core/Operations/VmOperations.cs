using XapiCompat.Store;
using XapiCompat.Values;

namespace XapiCompat.Core.Operations;

/// <summary>Which operations a VM, template or snapshot allows; see <see cref="VdiOperations"/>.</summary>
public static class VmOperations
{
    private static readonly string[] Listed =
    [
        "snapshot", "clone", "copy", "revert", "checkpoint", "snapshot_with_quiesce", "provision", "start", "start_on", "pause", "unpause",
        "clean_shutdown", "clean_reboot", "hard_shutdown", "hard_reboot", "suspend", "resume", "resume_on", "pool_migrate", "migrate_send",
        "changing_dynamic_range", "changing_static_range", "changing_shadow_memory", "changing_NVRAM", "changing_VCPUs_live", "make_into_template",
        "destroy", "export", "metadata_export", "create_vtpm", "sysprep",
    ];

    private static readonly HashSet<string> OnTemplates = new(StringComparer.Ordinal)
    {
        "changing_dynamic_range", "changing_static_range", "changing_memory_limits", "changing_shadow_memory", "changing_VCPUs", "changing_NVRAM",
        "clone", "copy", "export", "metadata_export", "provision",
    };

    private static readonly HashSet<string> OnSnapshots = new(StringComparer.Ordinal)
    {
        "revert", "clone", "copy", "export", "destroy", "hard_shutdown", "metadata_export",
    };

    private static readonly HashSet<string> OnControlDomains = new(StringComparer.Ordinal)
    {
        "data_source_op", "changing_memory_live", "awaiting_memory_live", "metadata_export", "changing_dynamic_range", "changing_memory_limits",
        "changing_static_range", "start", "start_on", "changing_VCPUs", "destroy",
    };

    private static readonly string[][] Companions = [["clone", "copy", "export"], ["snapshot", "checkpoint"], ["get_boot_record"]];

    public static IEnumerable<string> Allowed(IRecords records, Record vm) => Listed.Where(o => Check(records, vm, o, advice: true) is null);

    /// <param name="advice">True for the published list, which is stricter about guests without drivers than the calls are.</param>
    public static XenFailure? Check(IRecords records, Record vm, string operation, bool advice = false)
    {
        if (vm.Map("blocked_operations")[operation] is { } reason)
            return new("OPERATION_BLOCKED", vm.Reference, reason.ToString()!);
        if (CheckPowerState(records, vm, operation) is { } state)
            return state;
        if (CheckConcurrency(vm, operation) is { } busy)
            return busy;
        if (CheckKind(vm, operation) is { } kind)
            return kind;
        if (advice && CheckMobility(records, vm, operation) is { } immobile)
            return immobile;
        if (operation is "changing_VCPUs" or "destroy" && IsDomainZero(vm))
            return new("OPERATION_NOT_ALLOWED", "the control domain of a host stays as it is");
        if (vm.Flag("is_control_domain") && !OnControlDomains.Contains(operation))
            return new("OPERATION_NOT_ALLOWED", "nothing for a control domain: " + operation);
        if (GuestFeatures.Check(records, vm, operation, advice) is { } feature)
            return feature;
        if (operation == "snapshot_with_quiesce")
            return new("VM_SNAPSHOT_WITH_QUIESCE_NOT_SUPPORTED", vm.Reference);
        if (CheckDisks(records, vm, operation) is { } disk)
            return disk;
        if (CheckPassedThrough(vm, operation) is { } device)
            return device;
        return CheckMembership(records, vm, operation);
    }

    private static XenFailure? CheckMembership(IRecords records, Record vm, string operation)
    {
        if (operation == "make_into_template")
        {
            if (vm.Target("appliance") is var appliance && records.Find(appliance) is not null)
                return new("VM_IS_PART_OF_AN_APPLIANCE", vm.Reference, appliance);
            if (vm.Target("protection_policy") is var policy && records.Find(policy) is not null)
                return new("VM_ASSIGNED_TO_PROTECTION_POLICY", vm.Reference, policy);
            if (vm.Target("snapshot_schedule") is var schedule && records.Find(schedule) is not null)
                return new("VM_ASSIGNED_TO_SNAPSHOT_SCHEDULE", vm.Reference, schedule);
        }

        if (operation == "query_services" && vm.Map("other_config")["is_system_domain"]?.ToString() != "true")
            return new("NOT_SYSTEM_DOMAIN", vm.Reference);
        return operation == "create_vtpm" && vm.Set("VTPMs").Any() ? new("VTPM_MAX_AMOUNT_REACHED", "1") : null;
    }

    private static XenFailure? CheckPowerState(IRecords records, Record vm, string operation)
    {
        string[]? needed = operation switch
        {
            "start" or "start_on" or "provision" or "make_into_template" or "changing_shadow_memory" or "changing_NVRAM" or "create_vtpm" => ["Halted"],
            "changing_VCPUs" or "changing_static_range" or "changing_memory_limits" => vm.Flag("is_control_domain") ? ["Halted", "Running"] : ["Halted"],
            "changing_dynamic_range" => ["Halted", "Running"],
            "clone" or "copy" => vm.Flag("is_a_snapshot") || ClonesSuspended(records) ? ["Halted", "Suspended"] : ["Halted"],
            "create_template" or "destroy" or "export" => ["Halted", "Suspended"],
            "unpause" => ["Paused"],
            "resume" or "resume_on" or "csvm" => ["Suspended"],
            "pause" or "suspend" or "clean_shutdown" or "clean_reboot" or "pool_migrate" or "send_sysrq" or "send_trigger" or "snapshot_with_quiesce"
                or "sysprep" or "call_plugin" or "data_source_op" or "changing_VCPUs_live" or "changing_memory_live" or "awaiting_memory_live"
                or "changing_shadow_memory_live" => ["Running"],
            "hard_reboot" => ["Paused", "Running"],
            "hard_shutdown" or "shutdown" or "checkpoint" or "get_boot_record" => ["Paused", "Suspended", "Running"],
            "migrate_send" => ["Halted", "Suspended", "Running"],
            _ => null,
        };
        var actual = vm.Text("power_state");
        return needed is null || needed.Contains(actual)
            ? null
            : new("VM_BAD_POWER_STATE", vm.Reference, string.Join(", ", needed).ToLowerInvariant(), actual.ToLowerInvariant());
    }

    private static XenFailure? CheckConcurrency(Record vm, string operation)
    {
        var current = vm.Map("current_operations");
        if (current.Count == 0)
            return null;
        var running = current.Values.Select(v => v.ToString()!).ToList();
        if (Companions.Any(group => group.Contains(operation) && running.All(group.Contains)))
            return null;
        if (operation == "hard_shutdown" && !running.Contains("hard_shutdown"))
            return null;
        if (operation == "hard_reboot" && !running.Contains("hard_shutdown") && !running.Contains("hard_reboot"))
            return null;
        if (operation is "metadata_export" or "clean_shutdown" or "clean_reboot" && running is ["migrate_send"])
            return null;
        if (operation == "snapshot" && running is ["snapshot_with_quiesce"])
            return null;
        return new("OTHER_OPERATION_IN_PROGRESS", "VM", vm.Reference, Several(running), Several([.. current.Names]));
    }

    private static string Several(List<string> texts) => texts.Count == 1 ? texts[0] : "{" + string.Join(",", texts) + "}";

    private static XenFailure? CheckKind(Record vm, string operation)
    {
        var name = Text(operation);
        if (vm.Flag("is_a_snapshot"))
        {
            if (!OnSnapshots.Contains(operation))
                return new("VM_IS_SNAPSHOT", vm.Reference, name);
        }
        else if (vm.Flag("is_a_template") && !OnTemplates.Contains(operation) && (operation is not ("destroy" or "migrate_send") || IsDefaultTemplate(vm)))
        {
            return new("VM_IS_TEMPLATE", vm.Reference, name);
        }

        if (operation == "provision" && !vm.Flag("is_a_template"))
            return new("PROVISION_ONLY_ALLOWED_ON_TEMPLATE");
        return operation == "revert" && !vm.Flag("is_a_snapshot") ? new("REVERT_ONLY_ALLOWED_ON_SNAPSHOT") : null;
    }

    private static XenFailure? CheckMobility(IRecords records, Record vm, string operation)
    {
        bool Has(string field, string key) => records.Find(vm.Target("metrics")) is { } metrics ? metrics.Flag(field) : vm.Map("platform")[key]?.ToString() is "true" or "1";
        var nested = Has("nested_virt", "nested-virt");
        if (operation is "suspend" or "checkpoint" or "pool_migrate" or "migrate_send" && (nested || Has("nomigrate", "nomigrate")))
            return new("VM_IS_IMMOBILE", vm.Reference);
        return operation == "changing_dynamic_range" && nested ? new("VM_IS_USING_NESTED_VIRT", vm.Reference) : null;
    }

    private static XenFailure? CheckDisks(IRecords records, Record vm, string operation)
    {
        if (operation is not ("snapshot" or "checkpoint" or "suspend" or "pool_migrate"))
            return null;
        var configurations = vm.Set("VBDs").Select(records.Find).OfType<Record>()
            .Select(v => records.Find(v.Target("VDI"))).OfType<Record>()
            .Select(d => d.Map("sm_config"))
            .Where(c => c["on_boot"]?.ToString() == "reset");
        return configurations.Any(c => operation != "pool_migrate" || c["caching"]?.ToString() == "true")
            ? new("VDI_ON_BOOT_MODE_INCOMPATIBLE_WITH_OPERATION")
            : null;
    }

    private static XenFailure? CheckPassedThrough(Record vm, string operation)
    {
        var moves = operation is "suspend" or "checkpoint" or "pool_migrate" or "migrate_send";
        if (moves && vm.Set("attached_PCIs").Any())
            return new("VM_HAS_PCI_ATTACHED", vm.Reference);
        var rests = (operation, vm.Text("power_state")) is ("migrate_send", "Halted") or ("checkpoint", "Suspended");
        if (moves && !rests && vm.Set("VGPUs").Any())
            return new("VM_HAS_VGPU", vm.Reference);
        return (moves || operation == "snapshot") && vm.Set("VUSBs").Any() ? new("VM_HAS_VUSBS", vm.Reference) : null;
    }

    private static bool IsDomainZero(Record vm) => vm.Flag("is_control_domain") && vm.Int("domid") == 0;

    private static bool IsDefaultTemplate(Record vm) => vm.Flag("is_default_template") || vm.Map("other_config")["default_template"]?.ToString() == "true";

    /// <summary>An administrator may let suspended VMs be cloned.</summary>
    private static bool ClonesSuspended(IRecords records) =>
        records.All(records.Model.Class("pool")).Any(p => p.Map("other_config")["allow_clone_suspended_vm"]?.ToString() == "true");

    /// <summary>Operation names in errors, where they differ from the enum.</summary>
    private static string Text(string operation) => operation switch
    {
        "assert_operation_valid" => "assertoperationvalid",
        "data_source_op" => "data_sources_op",
        "changing_VCPUs" or "changing_memory_limits" or "query_services" or "create_template" => "(unknown operation)",
        _ => operation,
    };
}
