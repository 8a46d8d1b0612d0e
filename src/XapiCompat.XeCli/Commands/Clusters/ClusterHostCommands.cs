namespace XapiCompat.XeCli.Commands.Clusters;

/// <summary>Members of clusters.</summary>
public static class ClusterHostCommands
{
    [XeCommand("cluster-host-create")]
    public static async Task CreateAsync(XeCall call)
    {
        var cluster = await call.RefAsync("Cluster", "cluster-uuid");
        var host = await call.RefAsync("host", "host-uuid");
        await call.CreateAsync("Cluster_host.create", cluster, host, await call.RefAsync("PIF", "pif-uuid"));
    }

    [XeCommand("cluster-host-destroy")]
    public static Task DestroyAsync(XeCall call) => call.ActAsync("Cluster_host.destroy");

    [XeCommand("cluster-host-force-destroy")]
    public static Task ForceDestroyAsync(XeCall call) => call.ActAsync("Cluster_host.force_destroy");

    [XeCommand("cluster-host-enable")]
    public static Task EnableAsync(XeCall call) => call.ActAsync("Cluster_host.enable");

    [XeCommand("cluster-host-disable")]
    public static Task DisableAsync(XeCall call) => call.ActAsync("Cluster_host.disable");
}
