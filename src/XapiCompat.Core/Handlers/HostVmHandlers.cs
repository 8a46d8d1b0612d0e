using XapiCompat.Core.Dispatch;
using XapiCompat.Core.Machines;
using XapiCompat.Core.Services;
using XapiCompat.Store;
using XapiCompat.Values;

namespace XapiCompat.Core.Handlers;

/// <summary>What hosts know and do about the VMs on them.</summary>
public sealed class HostVmHandlers(RecordStore store, HostEvacuation evacuation)
{
    /// <summary>The network of the migrations makes no difference here, but it must be one that the hosts can use.</summary>
    [XenMessage("host.evacuate")]
    public ValueTask Evacuate(CallContext context, Ref host, Ref network, long evacuateBatchSize)
    {
        store.Current.Get("host", host);
        if (!network.IsNull)
            store.Current.Get("network", network);
        return evacuation.EvacuateAsync(context, host, evacuateBatchSize);
    }

    [XenMessage("host.assert_can_evacuate")]
    public void AssertCanEvacuate(CallContext context, Ref host)
    {
        var reasons = Obstacles(host).Select(o => string.Join(',', o.Reason.Description)).ToList();
        if (reasons.Count > 0)
            throw new XenException("CANNOT_EVACUATE_HOST", string.Join('|', reasons));
    }

    [XenMessage("host.get_vms_which_prevent_evacuation")]
    public XenStruct GetVmsWhichPreventEvacuation(CallContext context, Ref self)
    {
        var all = Obstacles(self).ToList();
        return new([.. all.Select(o => o.Vm)], [.. all.Select(o => XenArray.Of(o.Reason.Description))]);
    }

    /// <summary>Guests that ignore requests to change their memory; none does here.</summary>
    [XenMessage("host.get_uncooperative_resident_VMs")]
    public XenArray GetUncooperativeResidentVms(CallContext context, Ref self)
    {
        store.Current.Get("host", self);
        return XenArray.Empty;
    }

    [XenMessage("host.get_uncooperative_domains")]
    public XenArray GetUncooperativeDomains(CallContext context, Ref self)
    {
        store.Current.Get("host", self);
        return XenArray.Empty;
    }

    [XenMessage("host.compute_free_memory")]
    public long ComputeFreeMemory(CallContext context, Ref host) => MemoryModel.FreeAtMost(store.Current, store.Current.Get("host", host));

    [XenMessage("host.compute_memory_overhead")]
    public long ComputeMemoryOverhead(CallContext context, Ref host) => store.Current.Get("host", host).Int("memory_overhead");

    /// <summary>Keeps room on a host for a VM that is about to come; the next start or resume of it takes that host.</summary>
    [XenMessage("host.allocate_resources_for_vm")]
    public void AllocateResourcesForVm(CallContext context, Ref self, Ref vm, bool live) => store.Commit(unit =>
    {
        var host = unit.Get("host", self);
        var record = unit.Get("VM", vm);
        if (HostPlacement.WhyNot(unit, record, host) is { } reason)
            throw reason.AsException();
        unit.Set(vm.Text, "memory_overhead", MemoryModel.Overhead(record));
        unit.Set(vm.Text, "scheduled_to_be_resident_on", self.Text);
    });

    private IEnumerable<(string Vm, XenFailure Reason)> Obstacles(Ref host) =>
        HostEvacuation.Plan(store.Current, store.Current.Get("host", host)).Where(p => p.Value.Reason is not null).Select(p => (p.Key, p.Value.Reason!));
}
