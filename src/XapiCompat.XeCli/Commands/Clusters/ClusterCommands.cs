using XapiCompat.XeCli.Arguments;

namespace XapiCompat.XeCli.Commands.Clusters;

/// <summary>Clusters of hosts for cluster file systems.</summary>
public static class ClusterCommands
{
    [XeCommand("cluster-create")]
    public static async Task CreateAsync(XeCall call)
    {
        var pif = await call.RefAsync("PIF", "pif-uuid");
        await call.CreateAsync(
            "Cluster.create", pif, Stack(call), call.Parameters.Flag("pool-auto-join", otherwise: true), Timeout(call), Coefficient(call));
    }

    [XeCommand("cluster-destroy")]
    public static Task DestroyAsync(XeCall call) => call.ActAsync("Cluster.destroy");

    [XeCommand("cluster-pool-create")]
    public static async Task CreateInPoolAsync(XeCall call)
    {
        var network = await call.RefAsync("network", "network-uuid");
        await call.CreateAsync("Cluster.pool_create", network, Stack(call), Timeout(call), Coefficient(call));
    }

    [XeCommand("cluster-pool-destroy")]
    public static Task DestroyInPoolAsync(XeCall call) => ActAsync(call, "Cluster.pool_destroy");

    [XeCommand("cluster-pool-force-destroy")]
    public static Task ForceDestroyInPoolAsync(XeCall call) => ActAsync(call, "Cluster.pool_force_destroy");

    [XeCommand("cluster-pool-resync")]
    public static Task ResyncAsync(XeCall call) => ActAsync(call, "Cluster.pool_resync");

    private static async Task ActAsync(XeCall call, string message) => await call.Api.CallAsync(message, await call.RefAsync("Cluster", "cluster-uuid"));

    private static string Stack(XeCall call) => call.Parameters.Text("cluster-stack", "corosync");

    /// <summary>Seconds.</summary>
    private static double Timeout(XeCall call) => Number(call, "token-timeout", 20);

    private static double Coefficient(XeCall call) => Number(call, "token-timeout-coefficient", 1);

    private static double Number(XeCall call, string name, double otherwise) =>
        call.Parameters.Find(name) is { } text ? XeUnits.Fraction(name, text) : otherwise;
}
