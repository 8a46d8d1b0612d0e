using System.Globalization;
using XapiCompat.Values;
using XapiCompat.XeCli.Selecting;

namespace XapiCompat.XeCli.Commands.Vm;

/// <summary>What is asked of guests and of plugins beside them.</summary>
public static class VmGuestCommands
{
    private const double SysprepSeconds = 180;

    [XeCommand("vm-call-plugin")]
    public static Task CallPluginAsync(XeCall call) => CallAsync(call, "VM.call_plugin");

    [XeCommand("vm-call-host-plugin")]
    public static Task CallHostPluginAsync(XeCall call) => CallAsync(call, "VM.call_host_plugin");

    [XeCommand("vm-query-services")]
    public static Task QueryServicesAsync(XeCall call) => call.ForEachVmAsync(async vm =>
        await call.PrintTableAsync([KeyValuePair.Create("Type", "Name"), .. Rows.Of((XenStruct)await call.Api.CallAsync("VM.query_services", vm.Reference))]));

    /// <summary>A time below zero is none at all; one that is no number is the usual one.</summary>
    [XeCommand("vm-sysprep")]
    public static async Task SysprepAsync(XeCall call)
    {
        var unattend = await call.ReadAsync(call.Parameters.Required("filename"), "file.");
        var seconds = double.TryParse(call.Parameters.Text("timeout"), NumberStyles.Float, CultureInfo.InvariantCulture, out var given)
            ? Math.Max(0, given)
            : SysprepSeconds;
        await call.ForEachVmAsync(vm => call.Api.CallAsync("VM.sysprep", vm.Reference, unattend, seconds));
    }

    private static async Task CallAsync(XeCall call, string message)
    {
        var vm = await call.RefAsync("VM", "vm-uuid");
        var arguments = await FileArguments.ReadAsync(call, "args");
        await call.Printer.ItemAsync(Rows.Text(await call.Api.CallAsync(
            message, vm, call.Parameters.Required("plugin"), call.Parameters.Required("fn"), arguments)));
    }
}
