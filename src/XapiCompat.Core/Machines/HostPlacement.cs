using System.Globalization;
using XapiCompat.Core.Services;
using XapiCompat.Store;
using XapiCompat.Values;

namespace XapiCompat.Core.Machines;

/// <summary>Which hosts can run a VM, and which of them gets it.</summary>
public static class HostPlacement
{
    /// <summary>The first reason why a VM cannot run on a host, or null.</summary>
    /// <param name="memory">False looks at everything but the memory that is free.</param>
    public static XenFailure? WhyNot(IRecords records, Record vm, Record host, bool memory = true) =>
        BadParameters(vm)
        ?? NotReady(records, vm, host)
        ?? NoHardware(vm, host)
        ?? NoStorage(records, vm, host)
        ?? NoNetwork(records, vm, host)
        ?? NoVirtualisation(vm, host)
        ?? (memory ? NoMemory(records, vm, host) : null)
        ?? NoProcessors(vm, host);

    /// <summary>
    /// The host that a start or resume takes: the VM's affinity if it can, else the one with most free memory. When all
    /// lack nothing but memory, the choice falls too, and the start fails with the memory's figures.
    /// </summary>
    public static Record Choose(IRecords records, Record vm)
    {
        var hosts = records.All(records.Model.Class("host")).Where(h => !Evacuates(h)).ToList();
        var able = hosts.Where(h => WhyNot(records, vm, h) is null).ToList();
        if (able.Count == 0)
            able = [.. hosts.Where(h => WhyNot(records, vm, h, memory: false) is null)];
        if (able.Count == 0)
            throw new XenException("NO_HOSTS_AVAILABLE");
        var groups = AntiAffinityGroups(records, vm);
        var chosen = able.Find(h => h.Reference == vm.Target("affinity"))
            ?? able.OrderBy(h => Neighbours(records, groups, vm, h)).ThenByDescending(h => MemoryModel.FreeAtMost(records, h, vm.Reference)).ThenBy(h => h.Uuid, StringComparer.Ordinal).First();
        return NoMemory(records, vm, chosen) is { } lack ? throw lack.AsException() : chosen;
    }

    /// <summary>Every host that could start the VM now; only the host that it is about to start on, if there is one.</summary>
    public static IEnumerable<string> Possible(IRecords records, Record vm) =>
        records.Find(vm.Target("scheduled_to_be_resident_on")) is { } host
            ? [host.Reference]
            : records.All(records.Model.Class("host")).Where(h => WhyNot(records, vm, h) is null).Select(h => h.Reference);

    public static bool IsLive(IRecords records, Record host) => records.Find(host.Target("metrics"))?.Flag("live") == true;

    public static bool Evacuates(Record host) => host.Map("current_operations").Values.Any(v => v.ToString() == "evacuate");

    /// <summary>SRs of a VM's disks and, when suspended, of its image, that the host cannot reach.</summary>
    public static IEnumerable<string> UnreachableSrs(IRecords records, Record vm, Record host)
    {
        var vdis = vm.Set("VBDs").Select(records.Find).OfType<Record>().Where(v => !v.Flag("empty")).Select(v => v.Target("VDI"));
        if (vm.Text("power_state") == "Suspended" && !new Ref(vm.Target("suspend_VDI")).IsNull)
            vdis = vdis.Append(vm.Target("suspend_VDI"));
        return vdis.Select(v => records.Get("VDI", v).Target("SR")).Distinct(StringComparer.Ordinal).Where(sr => !Reaches(records, host, sr));
    }

    /// <summary>True when the host has a plugged PBD of the SR.</summary>
    public static bool Reaches(IRecords records, Record host, string sr) =>
        records.Find(sr) is { } record
        && record.Set("PBDs").Select(records.Find).OfType<Record>().Any(p => p.Target("host") == host.Reference && p.Flag("currently_attached"));

    private static XenFailure? BadParameters(Record vm)
    {
        static string Text(long number) => number.ToString(CultureInfo.InvariantCulture);
        var (max, startup) = (vm.Int("VCPUs_max"), vm.Int("VCPUs_at_startup"));
        if (max < 1)
            return new("INVALID_VALUE", "VCPUs_max", Text(max));
        if (startup < 1)
            return new("INVALID_VALUE", "VCPUs-at-startup", Text(startup));
        if (startup > max)
            return new("VALUE_NOT_SUPPORTED", "VCPUs-at-startup", Text(startup), "more than VCPUs_max");
        if (vm.Int("memory_static_max") < vm.Int("memory_static_min") || vm.Int("memory_dynamic_max") < vm.Int("memory_dynamic_min"))
            return new("MEMORY_CONSTRAINT_VIOLATION");
        if (vm["HVM_shadow_multiplier"] is XenDouble { Number: < 1 } shadow)
            return new("INVALID_VALUE", "HVM_shadow_multiplier", shadow.Number.ToString(CultureInfo.InvariantCulture));
        return vm.Text("actions_after_crash") switch
        {
            "rename_restart" => new("VALUE_NOT_SUPPORTED", "VM.actions_after_crash", "rename_restart", "the VM would leave its domain behind"),
            "coredump_and_destroy" or "coredump_and_restart" when DomainTypes.Of(vm) != "pv" =>
                new("VALUE_NOT_SUPPORTED", "VM.actions_after_crash", vm.Text("actions_after_crash"), "only a PV guest leaves a core dump"),
            _ => null,
        };
    }

    private static XenFailure? NotReady(IRecords records, Record vm, Record host)
    {
        if (!IsLive(records, host))
            return new("HOST_NOT_LIVE");
        if (vm.Flag("is_control_domain") && vm.Target("affinity") is var affinity && !new Ref(affinity).IsNull && affinity != host.Reference)
            return new("OPERATION_NOT_ALLOWED", "a control domain starts on its own host only");
        var there = vm.Text("power_state") == "Running" && vm.Target("resident_on") == host.Reference;
        return host.Flag("enabled") || vm.Flag("is_control_domain") || there ? null : new("HOST_DISABLED", host.Reference);
    }

    private static XenFailure? NoHardware(Record vm, Record host)
    {
        var versions = host.Set("virtual_hardware_platform_versions").ToList();
        var wanted = vm.Int("hardware_platform_version").ToString(CultureInfo.InvariantCulture);
        return versions.Contains(wanted)
            ? null
            : new("VM_HOST_INCOMPATIBLE_VIRTUAL_HARDWARE_PLATFORM_VERSION", host.Reference, "[" + string.Join("; ", versions) + "]", vm.Reference, wanted);
    }

    private static XenFailure? NoStorage(IRecords records, Record vm, Record host) =>
        UnreachableSrs(records, vm, host).FirstOrDefault() is { } sr ? new("VM_REQUIRES_SR", vm.Reference, sr) : null;

    private static XenFailure? NoNetwork(IRecords records, Record vm, Record host)
    {
        foreach (var network in vm.Set("VIFs").Select(records.Find).OfType<Record>().Select(v => v.Target("network")).Distinct(StringComparer.Ordinal))
        {
            if (records.Find(network) is { } record && !Connects(records, record, host))
                return new("VM_REQUIRES_NETWORK", vm.Reference, network);
        }

        return null;
    }

    /// <summary>A network without PIFs lives on whatever host its running VMs are on.</summary>
    private static bool Connects(IRecords records, Record network, Record host)
    {
        var pifs = network.Set("PIFs").Select(records.Find).OfType<Record>().ToList();
        if (pifs.Count > 0)
            return pifs.Exists(p => p.Target("host") == host.Reference);
        if (!network.Flag("managed") || network.Map("other_config")["assume_network_is_shared"]?.ToString() == "true")
            return true;
        var hosts = network.Set("VIFs").Select(records.Find).OfType<Record>()
            .Select(v => records.Find(v.Target("VM"))).OfType<Record>()
            .Where(v => v.Text("power_state") == "Running")
            .Select(v => v.Target("resident_on"))
            .ToList();
        return hosts.Count == 0 || hosts.Contains(host.Reference);
    }

    private static XenFailure? NoVirtualisation(Record vm, Record host) =>
        DomainTypes.Of(vm) == "pv" || host.Set("capabilities").Any(c => c.StartsWith("hvm", StringComparison.Ordinal)) ? null : new("VM_HVM_REQUIRED", vm.Reference);

    private static XenFailure? NoMemory(IRecords records, Record vm, Record host)
    {
        var available = MemoryModel.FreeAtMost(records, host, vm.Reference);
        var needed = MemoryModel.NeededToStart(vm);
        return needed <= available
            ? null
            : new("HOST_NOT_ENOUGH_FREE_MEMORY", needed.ToString(CultureInfo.InvariantCulture), available.ToString(CultureInfo.InvariantCulture));
    }

    private static XenFailure? NoProcessors(Record vm, Record host)
    {
        var count = long.TryParse(host.Map("cpu_info")["cpu_count"]?.ToString(), NumberStyles.None, CultureInfo.InvariantCulture, out var cpus) ? cpus : long.MaxValue;
        return vm.Int("VCPUs_max") <= count || vm.Map("platform")["vcpu-unrestricted"]?.ToString() == "true"
            ? null
            : new("HOST_NOT_ENOUGH_PCPUS", vm.Int("VCPUs_max").ToString(CultureInfo.InvariantCulture), count.ToString(CultureInfo.InvariantCulture));
    }

    private static HashSet<string> AntiAffinityGroups(IRecords records, Record vm) =>
        [.. vm.Set("groups").Where(g => records.Find(g)?.Text("placement") == "anti_affinity")];

    /// <summary>How many VMs of the same anti-affinity groups are on a host or on their way there.</summary>
    private static int Neighbours(IRecords records, HashSet<string> groups, Record vm, Record host) =>
        groups.Count == 0
            ? 0
            : records.All(records.Model.Class("VM")).Count(v => v.Reference != vm.Reference
                && (v.Target("resident_on") == host.Reference || v.Target("scheduled_to_be_resident_on") == host.Reference)
                && v.Set("groups").Any(groups.Contains));
}
