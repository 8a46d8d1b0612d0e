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
        if (CheckPowerState(vm, operation) is { } state)
            return state;
        if (CheckConcurrency(vm, operation) is { } busy)
            return busy;
        if (CheckKind(vm, operation) is { } kind)
            return kind;
        if (vm.Flag("is_control_domain") && (!OnControlDomains.Contains(operation) || (operation is "changing_VCPUs" or "destroy" && vm.Int("domid") == 0)))
            return new("OPERATION_NOT_ALLOWED", "This operation is not allowed on a control domain");
        if (advice && CheckDrivers(records, vm, operation) is { } drivers)
            return drivers;
        if (operation == "snapshot_with_quiesce")
            return new("VM_SNAPSHOT_WITH_QUIESCE_NOT_SUPPORTED", vm.Reference);
        if (operation is "snapshot" or "checkpoint" or "suspend" && DisksReset(records, vm))
            return new("VDI_ON_BOOT_MODE_INCOMPATIBLE_WITH_OPERATION");
        if (operation is "suspend" or "checkpoint" or "pool_migrate" or "migrate_send")
        {
            if (vm.Set("attached_PCIs").Any())
                return new("VM_HAS_PCI_ATTACHED", vm.Reference);
            if (vm.Set("VGPUs").Any())
                return new("VM_HAS_VGPU", vm.Reference);
        }

        if (operation is "suspend" or "checkpoint" or "pool_migrate" or "migrate_send" or "snapshot" && vm.Set("VUSBs").Any())
            return new("VM_HAS_VUSBS", vm.Reference);
        if (operation == "make_into_template")
        {
            if (vm.Target("appliance") is var appliance && records.Find(appliance) is not null)
                return new("VM_IS_PART_OF_AN_APPLIANCE", vm.Reference, appliance);
            if (vm.Target("snapshot_schedule") is var schedule && records.Find(schedule) is not null)
                return new("VM_ASSIGNED_TO_SNAPSHOT_SCHEDULE", vm.Reference, schedule);
        }

        return operation == "create_vtpm" && vm.Set("VTPMs").Any() ? new("VTPM_MAX_AMOUNT_REACHED", "1") : null;
    }

    private static XenFailure? CheckPowerState(Record vm, string operation)
    {
        string[]? needed = operation switch
        {
            "start" or "start_on" or "provision" or "make_into_template" or "changing_shadow_memory" or "changing_NVRAM" or "create_vtpm" => ["Halted"],
            "changing_VCPUs" or "changing_static_range" or "changing_memory_limits" => vm.Flag("is_control_domain") ? ["Halted", "Running"] : ["Halted"],
            "changing_dynamic_range" => ["Halted", "Running"],
            "clone" or "copy" => vm.Flag("is_a_snapshot") ? ["Halted", "Suspended"] : ["Halted"],
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
        if (operation is "metadata_export" or "clean_shutdown" or "clean_reboot" && running.All(o => o == "migrate_send"))
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
        else if (vm.Flag("is_a_template") && !OnTemplates.Contains(operation) && (operation is not ("destroy" or "migrate_send") || vm.Flag("is_default_template")))
        {
            return new("VM_IS_TEMPLATE", vm.Reference, name);
        }

        if (operation == "provision" && !vm.Flag("is_a_template"))
            return new("PROVISION_ONLY_ALLOWED_ON_TEMPLATE");
        return operation == "revert" && !vm.Flag("is_a_snapshot") ? new("REVERT_ONLY_ALLOWED_ON_SNAPSHOT") : null;
    }

    private static XenFailure? CheckDrivers(IRecords records, Record vm, string operation)
    {
        if (vm.Text("power_state") is not ("Running" or "Paused"))
            return null;
        if (operation is not ("suspend" or "checkpoint" or "pool_migrate" or "migrate_send" or "clean_shutdown" or "clean_reboot" or "changing_VCPUs_live"))
            return null;
        var hvm = vm.Text("HVM_boot_policy").Length > 0;
        var drivers = records.Find(vm.Target("guest_metrics")) is { } guest && guest.Flag("PV_drivers_detected");
        return !hvm || drivers ? null : new("VM_LACKS_FEATURE", vm.Reference);
    }

    private static bool DisksReset(IRecords records, Record vm) =>
        vm.Set("VBDs").Select(records.Find).OfType<Record>()
            .Select(v => records.Find(v.Target("VDI"))).OfType<Record>()
            .Any(d => d.Map("sm_config")["on_boot"]?.ToString() == "reset");

    /// <summary>Operation names in errors, where they differ from the enum.</summary>
    private static string Text(string operation) => operation switch
    {
        "assert_operation_valid" => "assertoperationvalid",
        "data_source_op" => "data_sources_op",
        "changing_VCPUs" or "changing_memory_limits" or "query_services" or "create_template" => "(unknown operation)",
        _ => operation,
    };
}
