using XapiCompat.Values;
using XapiCompat.XeCli.Selecting;

namespace XapiCompat.XeCli.Commands.Host;

/// <summary>What hosts are and say about themselves.</summary>
public static class HostInfoCommands
{
    private static readonly string[] FeatureKeys = ["features_pv", "features_hvm", "features_pv_host", "features_hvm_host"];

    [XeCommand("host-cpu-info")]
    public static async Task CpuAsync(XeCall call) =>
        await call.PrintTableAsync(await call.Api.CallAsync("host.get_cpu_info", await call.HostOrThisAsync("uuid")));

    [XeCommand("host-get-cpu-features")]
    public static async Task CpuFeaturesAsync(XeCall call)
    {
        var info = (XenStruct)await call.Api.CallAsync("host.get_cpu_info", await call.HostOrThisAsync("uuid"));
        await call.PrintTableAsync([.. Rows.Of(info).Where(r => FeatureKeys.Contains(r.Key)).OrderBy(r => Array.IndexOf(FeatureKeys, r.Key))]);
    }

    [XeCommand("host-dmesg")]
    public static Task DmesgAsync(XeCall call) =>
        call.ForEachHostAsync(async host => await call.Printer.ItemAsync(await call.Api.TextAsync("host.dmesg", host.Reference)));

    [XeCommand("host-get-sm-diagnostics")]
    public static async Task StorageAsync(XeCall call) => await call.Printer.LineAsync(Rows.Text(await call.ActAsync("host.get_sm_diagnostics")));

    [XeCommand("host-get-thread-diagnostics")]
    public static async Task ThreadsAsync(XeCall call) => await call.Printer.LineAsync(Rows.Text(await call.ActAsync("host.get_thread_diagnostics")));

    [XeCommand("host-get-system-status-capabilities")]
    public static async Task StatusCapabilitiesAsync(XeCall call)
    {
        var answers = new List<string>();
        await call.ForEachHostAsync(async host => answers.Add(await call.Api.TextAsync("host.get_system_status_capabilities", host.Reference)));
        await call.Printer.ItemsAsync(answers);
    }

    [XeCommand("host-bugreport-upload")]
    public static Task ReportAsync(XeCall call)
    {
        var options = XenStruct.Of(call.Parameters.Pairs.Where(p => p.Key is not ("host" or "url")));
        return call.ForEachHostAsync(host => call.Api.CallAsync("host.bugreport_upload", host.Reference, call.Parameters.Text("url"), options));
    }

    [XeCommand("host-crashdump-destroy")]
    public static Task DestroyCrashdumpAsync(XeCall call) => call.ActAsync("host_crashdump.destroy");
}
