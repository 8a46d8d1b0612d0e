using XapiCompat.XeCli.Arguments;
using XapiCompat.XeCli.Selecting;

namespace XapiCompat.XeCli.Commands.Vm;

/// <summary>Memory of VMs. Sizes are bytes or have a unit.</summary>
public static class VmMemoryCommands
{
    [XeCommand("vm-memory-dynamic-range-set")]
    public static Task SetDynamicRangeAsync(XeCall call) => SetRangeAsync(call, "VM.set_memory_dynamic_range");

    [XeCommand("vm-memory-static-range-set")]
    public static Task SetStaticRangeAsync(XeCall call) => SetRangeAsync(call, "VM.set_memory_static_range");

    [XeCommand("vm-memory-limits-set")]
    public static Task SetLimitsAsync(XeCall call)
    {
        var staticMin = call.Parameters.Size("static-min");
        var staticMax = call.Parameters.Size("static-max");
        var dynamicMin = call.Parameters.Size("dynamic-min");
        var dynamicMax = call.Parameters.Size("dynamic-max");
        return call.ForEachVmAsync(
            vm => call.Api.CallAsync("VM.set_memory_limits", vm.Reference, staticMin, staticMax, dynamicMin, dynamicMax),
            templatesToo: true,
            controlDomainsToo: true);
    }

    [XeCommand("vm-memory-set")]
    public static Task SetAsync(XeCall call)
    {
        var memory = call.Parameters.Size("memory");
        return call.ForEachVmAsync(vm => call.Api.CallAsync("VM.set_memory", vm.Reference, memory), templatesToo: true, controlDomainsToo: true);
    }

    [XeCommand("vm-memory-target-set")]
    [XeCommand("vm-memory-balloon")]
    public static Task SetTargetAsync(XeCall call)
    {
        var target = call.Parameters.Size("target");
        return call.ForEachVmAsync(vm => call.Api.CallAsync("VM.set_memory_dynamic_range", vm.Reference, target, target), controlDomainsToo: true);
    }

    [XeCommand("vm-memory-target-wait")]
    public static Task WaitForTargetAsync(XeCall call) =>
        call.ForEachVmAsync(vm => call.Api.CallAsync("VM.wait_memory_target_live", vm.Reference), controlDomainsToo: true);

    [XeCommand("vm-memory-shadow-multiplier-set")]
    public static Task SetShadowMultiplierAsync(XeCall call)
    {
        var multiplier = XeUnits.Fraction("multiplier", call.Parameters.Required("multiplier"));
        return call.ForEachVmAsync(vm => call.Api.CallAsync("VM.set_shadow_multiplier_live", vm.Reference, multiplier));
    }

    [XeCommand("vm-compute-maximum-memory")]
    public static Task ComputeMaximumAsync(XeCall call)
    {
        var total = call.Parameters.Size("total");
        var approximate = call.Parameters.Flag("approximate");
        return call.ForEachVmAsync(async vm =>
            await call.Printer.ItemAsync((await call.Api.CallAsync("VM.maximise_memory", vm.Reference, total, approximate)).ToString()!));
    }

    [XeCommand("vm-compute-memory-overhead")]
    public static Task ComputeOverheadAsync(XeCall call) => call.ForEachVmAsync(
        async vm => await call.Printer.LineAsync((await call.Api.CallAsync("VM.compute_memory_overhead", vm.Reference)).ToString()!), controlDomainsToo: true);

    [XeCommand("vm-vcpu-hotplug")]
    public static Task SetVcpusAsync(XeCall call)
    {
        var count = XeUnits.Whole("new-vcpus", call.Parameters.Required("new-vcpus"));
        return call.ForEachVmAsync(vm => call.Api.CallAsync("VM.set_VCPUs_number_live", vm.Reference, count));
    }

    private static Task SetRangeAsync(XeCall call, string message)
    {
        var min = call.Parameters.Size("min");
        var max = call.Parameters.Size("max");
        return call.ForEachVmAsync(vm => call.Api.CallAsync(message, vm.Reference, min, max), templatesToo: true, controlDomainsToo: true);
    }
}
