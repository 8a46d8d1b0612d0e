using XapiCompat.Core.Dispatch;
using XapiCompat.Core.Machines;
using XapiCompat.Core.Services;
using XapiCompat.Store;
using XapiCompat.Values;

namespace XapiCompat.Core.Handlers;

/// <summary>What would happen to protected VMs if hosts failed. Hosts do not fail here, but clients plan with the answers.</summary>
public sealed class FailoverHandlers(RecordStore store)
{
    private static readonly string[] Priorities = ["restart", "best-effort", ""];

    [XenMessage("pool.ha_failover_plan_exists")]
    public bool PlanExists(CallContext context, long n) => FailoverPlan.Exists(store.Current, FailoverPlan.Protected(store.Current), n);

    [XenMessage("pool.ha_compute_max_host_failures_to_tolerate")]
    public long ComputeMost(CallContext context) => FailoverPlan.MostFailures(store.Current, FailoverPlan.Protected(store.Current));

    /// <summary>As if exactly these VMs had these priorities.</summary>
    [XenMessage("pool.ha_compute_hypothetical_max_host_failures_to_tolerate")]
    public long ComputeHypotheticalMost(CallContext context, XenStruct configuration)
    {
        var guests = new List<Record>();
        for (var i = 0; i < configuration.Count; i++)
        {
            var priority = configuration.Values[i].ToString()!;
            if (!Priorities.Contains(priority))
                throw new XenException("INVALID_VALUE", "ha_restart_priority", priority);
            var vm = store.Current.Get("VM", configuration.Names[i]);
            if (priority == "restart")
                guests.Add(vm);
        }

        return FailoverPlan.MostFailures(store.Current, guests);
    }

    /// <summary>A host for each VM, or why there is none.</summary>
    [XenMessage("pool.ha_compute_vm_failover_plan")]
    public XenStruct ComputePlan(CallContext context, XenArray failedHosts, XenArray failedVms)
    {
        var records = store.Current;
        var failed = failedHosts.Items.Select(h => h.ToString()!).ToHashSet(StringComparer.Ordinal);
        var guests = failedVms.Items.Select(v => records.Get("VM", v.ToString()!)).DistinctBy(v => v.Reference).ToList();
        var plan = FailoverPlan.Place(records, PoolHosts.Hosts(records).Where(h => PoolHosts.IsLive(records, h) && !failed.Contains(h.Reference)), guests);
        return new(
            [.. guests.Select(g => g.Reference)],
            [.. guests.Select(g => plan.TryGetValue(g.Reference, out var host)
                ? XenStruct.Of(("host", host))
                : XenStruct.Of(("error_code", Agility.WhyNot(records, g)?.Code ?? "HOST_NOT_ENOUGH_FREE_MEMORY")))]);
    }
}
