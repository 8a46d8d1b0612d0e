using XapiCompat.Values;

namespace XapiCompat.XeCli.Commands.Pool;

/// <summary>High availability.</summary>
public static class PoolHaCommands
{
    [XeCommand("pool-ha-enable")]
    public static async Task EnableAsync(XeCall call) => await call.Api.CallAsync(
        "pool.enable_ha", await call.RefsAsync("SR", "heartbeat-sr-uuids"), call.Parameters.Struct("ha-config"));

    [XeCommand("pool-ha-disable")]
    public static Task DisableAsync(XeCall call) => call.Api.CallAsync("pool.disable_ha");

    [XeCommand("pool-ha-compute-max-host-failures-to-tolerate")]
    public static async Task ComputeAsync(XeCall call) =>
        await call.Printer.ItemAsync(Rows.Text(await call.Api.CallAsync("pool.ha_compute_max_host_failures_to_tolerate")));

    /// <summary>Here parameters may repeat: each vm-uuid goes with the restart-priority of the same place.</summary>
    [XeCommand("pool-ha-compute-hypothetical-max-host-failures-to-tolerate")]
    public static async Task ComputeHypotheticalAsync(XeCall call)
    {
        var uuids = All(call, "vm-uuid");
        var priorities = All(call, "restart-priority");
        if (uuids.Count != priorities.Count)
            throw new XeException("Each vm-uuid needs a restart-priority, and the other way round.");
        var vms = new List<string>();
        foreach (var uuid in uuids)
            vms.Add(await call.Api.ByUuidAsync("VM", uuid));
        var configuration = XenStruct.Of(vms.Zip(priorities, KeyValuePair.Create));
        await call.Printer.ItemAsync(Rows.Text(await call.Api.CallAsync("pool.ha_compute_hypothetical_max_host_failures_to_tolerate", configuration)));
    }

    /// <summary>All VMs that run on the hosts count as failed with them.</summary>
    [XeCommand("pool-ha-compute-vm-failover-plan")]
    public static async Task PlanAsync(XeCall call)
    {
        var hosts = await call.RefsAsync("host", "host-uuids");
        var vms = new List<string>();
        foreach (var host in hosts.Items)
        {
            foreach (var vm in await call.Api.ListAsync("host.get_resident_VMs", host))
            {
                if (await call.Api.CallAsync("VM.get_is_control_domain", vm) is XenBool { Flag: false })
                    vms.Add(vm);
            }
        }

        var plan = (XenStruct)await call.Api.CallAsync("pool.ha_compute_vm_failover_plan", hosts, XenArray.Of(vms));
        var rows = new List<KeyValuePair<string, string>> { KeyValuePair.Create("VM", "Destination Host or Error") };
        for (var i = 0; i < plan.Count; i++)
            rows.Add(KeyValuePair.Create(await call.TitleAsync("VM", plan.Names[i]), await DestinationAsync(call, (XenStruct)plan.Values[i])));
        await call.PrintTableAsync(rows);
    }

    private static async Task<string> DestinationAsync(XeCall call, XenStruct result) => result["host"] is { } host
        ? await call.TitleAsync("host", host.ToString()!)
        : result["error_code"]?.ToString() ?? "UNKNOWN";

    private static List<string> All(XeCall call, string name) => [.. call.Parameters.Pairs.Where(p => p.Key == name).Select(p => p.Value)];
}
