namespace XapiCompat.XeCli.Commands.Network;

/// <summary>Tunnels; users know one by the uuid of its access interface.</summary>
public static class TunnelCommands
{
    [XeCommand("tunnel-create")]
    public static async Task CreateAsync(XeCall call)
    {
        var network = await call.RefAsync("network", "network-uuid");
        var pif = await call.RefAsync("PIF", "pif-uuid");
        var tunnel = await call.Api.TextAsync("tunnel.create", pif, network, Choice.Of(call.Parameters.Text("protocol", "gre"), "gre", "vxlan"));
        await call.PrintUuidAsync("PIF", await call.Api.TextAsync("tunnel.get_access_PIF", tunnel));
    }

    [XeCommand("tunnel-destroy")]
    public static Task DestroyAsync(XeCall call) => call.ActAsync("tunnel.destroy");
}
