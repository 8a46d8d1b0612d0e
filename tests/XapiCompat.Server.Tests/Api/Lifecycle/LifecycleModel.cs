namespace XapiCompat.Server.Tests.Api.Lifecycle;

/// <summary>What a VM is to the model.</summary>
internal sealed class ModelVm(string reference)
{
    public string Reference { get; } = reference;

    public string State { get; set; } = "Halted";

    public bool Template { get; set; }

    /// <summary>The VM that this is a snapshot of; null when it is none.</summary>
    public string? SnapshotOf { get; init; }

    public Dictionary<string, string> Blocked { get; set; } = [];

    public bool Paravirtual { get; init; }

    /// <summary>The guest has drivers whenever it runs.</summary>
    public bool Tools { get; init; } = true;

    /// <summary>The tools have reported since the last boot.</summary>
    public bool Reported { get; set; }

    /// <summary>A disk that other VMs of the program have too.</summary>
    public string? SharedDisk { get; init; }

    public bool Live => State is "Running" or "Paused";
}

/// <summary>
/// The documented rules of VM operations as a table of their own: which states, which kinds, which guests; and the
/// errors in their order. Written from the contract, not from the server.
/// </summary>
internal static class LifecycleModel
{
    /// <summary>Operations that the published list may name.</summary>
    public static readonly string[] Listed =
    [
        "snapshot", "clone", "copy", "revert", "checkpoint", "snapshot_with_quiesce", "provision", "start", "start_on", "pause", "unpause", "clean_shutdown",
        "clean_reboot", "hard_shutdown", "hard_reboot", "suspend", "resume", "resume_on", "pool_migrate", "migrate_send", "changing_dynamic_range",
        "changing_static_range", "changing_shadow_memory", "changing_NVRAM", "changing_VCPUs_live", "make_into_template", "destroy", "export", "metadata_export",
        "create_vtpm", "sysprep",
    ];

    /// <summary>All that assert_operation_valid takes, with the states in the order of the message.</summary>
    public static readonly Dictionary<string, string> States = new()
    {
        ["start"] = "halted",
        ["start_on"] = "halted",
        ["provision"] = "halted",
        ["make_into_template"] = "halted",
        ["changing_shadow_memory"] = "halted",
        ["changing_NVRAM"] = "halted",
        ["create_vtpm"] = "halted",
        ["changing_VCPUs"] = "halted",
        ["changing_static_range"] = "halted",
        ["changing_memory_limits"] = "halted",
        ["changing_dynamic_range"] = "halted, running",
        ["clone"] = "halted",
        ["copy"] = "halted",
        ["create_template"] = "halted, suspended",
        ["destroy"] = "halted, suspended",
        ["export"] = "halted, suspended",
        ["unpause"] = "paused",
        ["resume"] = "suspended",
        ["resume_on"] = "suspended",
        ["csvm"] = "suspended",
        ["pause"] = "running",
        ["suspend"] = "running",
        ["clean_shutdown"] = "running",
        ["clean_reboot"] = "running",
        ["pool_migrate"] = "running",
        ["send_sysrq"] = "running",
        ["send_trigger"] = "running",
        ["snapshot_with_quiesce"] = "running",
        ["sysprep"] = "running",
        ["call_plugin"] = "running",
        ["data_source_op"] = "running",
        ["changing_VCPUs_live"] = "running",
        ["changing_memory_live"] = "running",
        ["awaiting_memory_live"] = "running",
        ["changing_shadow_memory_live"] = "running",
        ["hard_reboot"] = "paused, running",
        ["hard_shutdown"] = "paused, suspended, running",
        ["shutdown"] = "paused, suspended, running",
        ["checkpoint"] = "paused, suspended, running",
        ["get_boot_record"] = "paused, suspended, running",
        ["migrate_send"] = "halted, suspended, running",
        ["snapshot"] = "",
        ["revert"] = "",
        ["reverting"] = "",
        ["metadata_export"] = "",
        ["power_state_reset"] = "",
        ["query_services"] = "",
    };

    private static readonly string[] OfTemplates =
    [
        "changing_dynamic_range", "changing_static_range", "changing_memory_limits", "changing_shadow_memory", "changing_VCPUs", "changing_NVRAM", "clone", "copy",
        "export", "metadata_export", "provision", "destroy", "migrate_send",
    ];

    private static readonly string[] OfSnapshots = ["revert", "clone", "copy", "export", "destroy", "hard_shutdown", "metadata_export"];

    private static readonly string[] OfAbleGuests = ["suspend", "checkpoint", "pool_migrate", "migrate_send", "clean_shutdown", "clean_reboot", "changing_VCPUs_live"];

    /// <summary>The error of an operation, or null.</summary>
    public static string[]? Check(ModelVm vm, string operation, bool advice = false)
    {
        if (vm.Blocked.TryGetValue(operation, out var reason))
            return ["OPERATION_BLOCKED", vm.Reference, reason];
        var states = States[operation];
        if (vm.SnapshotOf is not null && operation is "clone" or "copy")
            states = "halted, suspended";
        if (states.Length > 0 && !states.Split(", ").Contains(vm.State.ToLowerInvariant()))
            return ["VM_BAD_POWER_STATE", vm.Reference, states, vm.State.ToLowerInvariant()];
        if (vm.SnapshotOf is null && vm.Template && !OfTemplates.Contains(operation))
            return ["VM_IS_TEMPLATE", vm.Reference, Spelled(operation)];
        if (vm.SnapshotOf is not null && !OfSnapshots.Contains(operation))
            return ["VM_IS_SNAPSHOT", vm.Reference, Spelled(operation)];
        if (operation == "provision" && !vm.Template)
            return ["PROVISION_ONLY_ALLOWED_ON_TEMPLATE"];
        if (operation == "revert" && vm.SnapshotOf is null)
            return ["REVERT_ONLY_ALLOWED_ON_SNAPSHOT"];
        var able = !vm.Live || vm.Paravirtual || (vm.Reported && vm.Tools);
        if (!able && OfAbleGuests.Contains(operation) && (advice || operation == "changing_VCPUs_live"))
            return ["VM_LACKS_FEATURE", vm.Reference];
        return operation switch
        {
            "snapshot_with_quiesce" => ["VM_SNAPSHOT_WITH_QUIESCE_NOT_SUPPORTED", vm.Reference],
            "query_services" => ["NOT_SYSTEM_DOMAIN", vm.Reference],
            _ => null,
        };
    }

    public static IEnumerable<string> Allowed(ModelVm vm) => Listed.Where(o => Check(vm, o, advice: true) is null);

    private static string Spelled(string operation) => operation switch
    {
        "data_source_op" => "data_sources_op",
        "changing_VCPUs" or "changing_memory_limits" or "query_services" or "create_template" => "(unknown operation)",
        _ => operation,
    };
}
