using XapiCompat.XeCli.Selecting;

namespace XapiCompat.XeCli.Commands.Vm;

/// <summary>Tables of what belongs to VMs.</summary>
public static class VmPartCommands
{
    /// <summary>Lists of interfaces never ask for <c>--multiple</c>.</summary>
    [XeCommand("vm-vif-list")]
    public static Task ListVifsAsync(XeCall call)
    {
        var fields = call.ColumnsOr("params", "uuid", "device", "MAC", "network-uuid", "network-name-label", "vm-name-label");
        var all = call with { Parameters = new([KeyValuePair.Create("multiple", "true"), .. call.Without("params").Parameters.Pairs]) };
        return all.ForEachVmAsync(async vm => await call.PrintRecordsAsync("vif", await call.Api.ListAsync("VM.get_VIFs", vm.Reference), fields));
    }

    [XeCommand("vm-crashdump-list")]
    public static Task ListCrashdumpsAsync(XeCall call) => call.ForEachVmAsync(async vm =>
        await call.PrintRecordsAsync("crashdump", await call.Api.ListAsync("VM.get_crash_dumps", vm.Reference), []));
}
