using System.Globalization;
using XapiCompat.Core.Dispatch;
using XapiCompat.Core.Machines;
using XapiCompat.Core.Operations;
using XapiCompat.Core.Services;
using XapiCompat.Store;
using XapiCompat.Values;

namespace XapiCompat.Core.Handlers;

/// <summary>Memory and processors of VMs while they run.</summary>
public sealed class VmMemoryHandlers(RecordStore store, OperationGuard guard)
{
    [XenMessage("VM.compute_memory_overhead")]
    public long ComputeMemoryOverhead(CallContext context, Ref vm) => MemoryModel.Overhead(store.Current.Get("VM", vm));

    /// <summary>The largest static maximum, in whole MiB, whose VM fits into <paramref name="total"/> bytes.</summary>
    [XenMessage("VM.maximise_memory")]
    public long MaximiseMemory(CallContext context, Ref self, long total, bool approximate)
    {
        var vm = store.Current.Get("VM", self);
        var vcpus = approximate ? Math.Max(64, vm.Int("VCPUs_max")) : vm.Int("VCPUs_max");
        var multiplier = vm["HVM_shadow_multiplier"] is XenDouble d ? d.Number : 1;
        long Footprint(long mib) => (mib * MemoryModel.MiB) + MemoryModel.Overhead(DomainTypes.Of(vm), mib * MemoryModel.MiB, vcpus, multiplier);
        var (low, high) = (0L, Math.Max(0, total / MemoryModel.MiB) + 1);
        while (high - low > 1)
        {
            var middle = (low + high) / 2;
            (low, high) = Footprint(middle) <= total ? (middle, high) : (low, middle);
        }

        return low * MemoryModel.MiB;
    }

    /// <summary>Guests answer requests to change their memory.</summary>
    [XenMessage("VM.get_cooperative")]
    public bool GetCooperative(CallContext context, Ref self)
    {
        store.Current.Get("VM", self);
        return true;
    }

    [XenMessage("VM.set_VCPUs_number_live")]
    public async ValueTask SetVcpusNumberLive(CallContext context, Ref self, long nvcpu)
    {
        await using var scope = await guard.BeginAsync(context, [new("VM", self.Text, "changing_VCPUs_live")]);
        store.Commit(unit =>
        {
            var vm = unit.Get("VM", self);
            if (nvcpu < 1 || nvcpu > vm.Int("VCPUs_max"))
                throw new XenException("INVALID_VALUE", "nvcpu", nvcpu.ToString(CultureInfo.InvariantCulture));
            unit.Set(self.Text, "VCPUs_at_startup", nvcpu);
            if (unit.Find(vm.Target("metrics")) is { } metrics)
                unit.Set(metrics.Reference, "VCPUs_number", nvcpu);
            scope.End(unit);
        });
    }

    [XenMessage("VM.add_to_VCPUs_params_live")]
    public async ValueTask AddToVcpusParamsLive(CallContext context, Ref self, string key, string value)
    {
        await using var scope = await guard.BeginAsync(context, [new("VM", self.Text, "changing_VCPUs_live")]);
        store.Commit(unit =>
        {
            var vm = unit.Get("VM", self);
            MapEdits.Add(unit, vm, "VCPUs_params", key, value);
            if (unit.Find(vm.Target("metrics")) is { } metrics)
                unit.Set(metrics.Reference, "VCPUs_params", unit.Find(self.Text)!["VCPUs_params"]);
            scope.End(unit);
        });
    }

    /// <summary>Sets the guest's balloon; it takes the size at once, within the dynamic range.</summary>
    [XenMessage("VM.set_memory_target_live")]
    public async ValueTask SetMemoryTargetLive(CallContext context, Ref self, long target)
    {
        await using var scope = await guard.BeginAsync(context, [new("VM", self.Text, "changing_memory_live")]);
        store.Commit(unit =>
        {
            var vm = unit.Get("VM", self);
            if (target < vm.Int("memory_dynamic_min") || target > vm.Int("memory_dynamic_max"))
                throw new XenException("MEMORY_CONSTRAINT_VIOLATION", "target outside the dynamic range");
            MachineRecords.Ballooned(unit, self.Text, target);
            scope.End(unit);
        });
    }

    [XenMessage("VM.wait_memory_target_live")]
    public async ValueTask WaitMemoryTargetLive(CallContext context, Ref self)
    {
        await using var scope = await guard.BeginAsync(context, [new("VM", self.Text, "awaiting_memory_live")]);
        store.Commit(unit =>
        {
            var vm = unit.Get("VM", self);
            MachineRecords.Ballooned(unit, self.Text, Math.Clamp(vm.Int("memory_target"), vm.Int("memory_dynamic_min"), vm.Int("memory_dynamic_max")));
            scope.End(unit);
        });
    }

    [XenMessage("VM.set_shadow_multiplier_live")]
    public async ValueTask SetShadowMultiplierLive(CallContext context, Ref self, double multiplier)
    {
        await using var scope = await guard.BeginAsync(context, [new("VM", self.Text, "changing_shadow_memory_live")]);
        if (!(multiplier >= 1) || !double.IsFinite(multiplier))
            throw new XenException("INVALID_VALUE", "multiplier", multiplier.ToString(CultureInfo.InvariantCulture));
        store.Commit(unit =>
        {
            var vm = unit.Get("VM", self);
            var more = MemoryModel.Overhead(DomainTypes.Of(vm), vm.Int("memory_static_max"), vm.Int("VCPUs_max"), multiplier) - vm.Int("memory_overhead");
            var host = unit.Get("host", vm.Target("resident_on"));
            var free = MemoryModel.FreeAtMost(unit, host);
            if (more > free)
                throw new XenException("HOST_NOT_ENOUGH_FREE_MEMORY", more.ToString(CultureInfo.InvariantCulture), free.ToString(CultureInfo.InvariantCulture));
            unit.Set(self.Text, "HVM_shadow_multiplier", multiplier);
            unit.Set(self.Text, "memory_overhead", vm.Int("memory_overhead") + more);
            MemoryModel.Refresh(unit, host.Reference);
            scope.End(unit);
        });
    }
}
