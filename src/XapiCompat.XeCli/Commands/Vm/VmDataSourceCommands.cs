using XapiCompat.XeCli.Selecting;

namespace XapiCompat.XeCli.Commands.Vm;

/// <summary>What is measured of one VM.</summary>
public static class VmDataSourceCommands
{
    [XeCommand("vm-data-source-list")]
    public static Task ListAsync(XeCall call) => ForOneAsync(call, (sources, vm) => sources.ListAsync(vm));

    [XeCommand("vm-data-source-record")]
    public static Task RecordAsync(XeCall call) => ForOneAsync(call, (sources, vm) => sources.RecordAsync(vm));

    [XeCommand("vm-data-source-query")]
    public static Task QueryAsync(XeCall call) => ForOneAsync(call, (sources, vm) => sources.QueryAsync(vm));

    [XeCommand("vm-data-source-forget")]
    public static Task ForgetAsync(XeCall call) => ForOneAsync(call, (sources, vm) => sources.ForgetAsync(vm));

    private static Task ForOneAsync(XeCall call, Func<DataSources, string, Task> work) =>
        call.ForEachVmAsync(vm => work(new(call, "VM"), vm.Reference), onlyOne: true, controlDomainsToo: true);
}
