using XapiCompat.Values;

namespace XapiCompat.XeCli.Commands.Pool;

/// <summary>A workload balancing server.</summary>
public static class PoolBalancingCommands
{
    [XeCommand("pool-initialize-wlb")]
    public static Task InitializeAsync(XeCall call)
    {
        var p = call.Parameters;
        return call.Api.CallAsync(
            "pool.initialize_wlb", p.Required("wlb_url"), p.Required("wlb_username"), p.Required("wlb_password"), p.Required("xenserver_username"),
            p.Required("xenserver_password"));
    }

    [XeCommand("pool-deconfigure-wlb")]
    public static Task DeconfigureAsync(XeCall call) => call.Api.CallAsync("pool.deconfigure_wlb");

    [XeCommand("pool-send-wlb-configuration")]
    public static Task SendAsync(XeCall call) => call.Api.CallAsync("pool.send_wlb_configuration", call.Parameters.Struct("config"));

    [XeCommand("pool-retrieve-wlb-configuration")]
    public static async Task RetrieveAsync(XeCall call) => await call.PrintTableAsync(await call.Api.CallAsync("pool.retrieve_wlb_configuration"));

    [XeCommand("pool-retrieve-wlb-recommendations")]
    public static async Task RecommendAsync(XeCall call)
    {
        var vms = (XenStruct)await call.Api.CallAsync("pool.retrieve_wlb_recommendations");
        var rows = new List<KeyValuePair<string, string>> { KeyValuePair.Create("VM", "Host, OptID, RecID, Reason") };
        for (var i = 0; i < vms.Count; i++)
            rows.Add(KeyValuePair.Create(await call.TitleAsync("VM", vms.Names[i]), string.Join(" ", Rows.Items(vms.Values[i]))));
        await call.PrintTableAsync(rows);
    }
}
