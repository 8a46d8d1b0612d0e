using XapiCompat.Store;

namespace XapiCompat.Core.Machines;

/// <summary>How much memory VMs take on hosts. All sizes in bytes.</summary>
public static class MemoryModel
{
    public const long MiB = 1 << 20;

    private const long PagesPerMiB = 256;

    /// <summary>What a VM takes beside its guest's memory: page tables, per-processor and device structures.</summary>
    public static long Overhead(Record vm) => Overhead(DomainTypes.Of(vm), vm.Int("memory_static_max"), vm.Int("VCPUs_max"), Shadow(vm));

    public static long Overhead(string domainType, long staticMax, long vcpus, double shadowMultiplier)
    {
        var maximum = Up(staticMax, MiB);
        var pages = (PagesPerMiB * vcpus) + (2 * maximum);
        var multiplier = domainType == "pv" ? 1.0 : shadowMultiplier;
        var shadow = Math.Max(1, (long)(Up(pages, PagesPerMiB) * multiplier));
        var inside = domainType == "pv" ? 0 : 1;
        var shim = domainType == "pv_in_pvh" ? 23 + (maximum / 90) : 0;
        return (inside + 1 + shadow + Up(38 * vcpus, PagesPerMiB) + shim) * MiB;
    }

    /// <summary>What a start must find free: guests may be ballooned down to their dynamic minimum.</summary>
    public static long NeededToStart(Record vm) => (Up(Guest(vm), MiB) * MiB) + Overhead(vm);

    /// <summary>
    /// What is free for guests on a host when all guests there and those about to come are at their minimum.
    /// </summary>
    /// <param name="ignored">A VM whose own reservation does not count; null counts all.</param>
    public static long FreeAtMost(IRecords records, Record host, string? ignored = null)
    {
        var metrics = records.Find(host.Target("metrics"));
        var free = (metrics?.Int("memory_total") ?? 0) - host.Int("memory_overhead");
        foreach (var vm in records.All(records.Model.Class("VM")))
        {
            if (vm.Target("resident_on") == host.Reference)
                free -= Guest(vm) + vm.Int("memory_overhead");
            if (vm.Target("scheduled_to_be_resident_on") == host.Reference && vm.Reference != ignored)
                free -= Guest(vm) + vm.Int("memory_overhead");
        }

        return Math.Max(0, free);
    }

    /// <summary>Brings host_metrics.memory_free up to date with the guests that are there.</summary>
    public static void Refresh(UnitOfWork unit, string host)
    {
        if (unit.Find(host) is not { Class.Name: "host" } record || unit.Find(record.Target("metrics")) is not { } metrics)
            return;
        var free = metrics.Int("memory_total") - record.Int("memory_overhead");
        var candidates = record.Set("resident_VMs").Select(unit.Find).OfType<Record>()
            .Concat(unit.Drafts.Where(d => d.Class.Name == "VM"))
            .DistinctBy(v => v.Reference, StringComparer.Ordinal);
        foreach (var vm in candidates.Where(v => v.Target("resident_on") == host))
            free -= Actual(unit, vm) + vm.Int("memory_overhead");
        unit.Set(metrics.Reference, "memory_free", Math.Max(0, free));
    }

    private static long Actual(UnitOfWork records, Record vm) =>
        records.Find(vm.Target("metrics")) is { } metrics && metrics.Int("memory_actual") > 0 ? metrics.Int("memory_actual") : vm.Int("memory_dynamic_max");

    private static long Guest(Record vm) => DomainTypes.Of(vm) == "pv_in_pvh" ? vm.Int("memory_static_max") : vm.Int("memory_dynamic_min");

    private static double Shadow(Record vm) => vm["HVM_shadow_multiplier"] is Values.XenDouble d ? d.Number : 1;

    private static long Up(long number, long unit) => (number + unit - 1) / unit;
}
