using XapiCompat.Values;

namespace XapiCompat.XeCli.Commands.Network;

/// <summary>Networks.</summary>
public static class NetworkCommands
{
    [XeCommand("network-create")]
    public static Task CreateAsync(XeCall call)
    {
        var p = call.Parameters;
        return call.CreateAsync("network.create", XenStruct.Of(
            ("name_label", p.Required("name-label")), ("name_description", p.Text("name-description")), ("MTU", p.Whole("MTU", 1500)),
            ("other_config", XenStruct.Empty), ("bridge", p.Text("bridge")), ("managed", p.Flag("managed", otherwise: true)),
            ("tags", XenArray.Empty)));
    }

    [XeCommand("network-destroy")]
    public static Task DestroyAsync(XeCall call) => call.ActAsync("network.destroy");

    [XeCommand("network-attach")]
    public static async Task AttachAsync(XeCall call)
    {
        var network = await call.RefAsync("network");
        await call.Api.CallAsync("network.attach", network, await call.RefAsync("host", "host-uuid"));
    }

    [XeCommand("network-sriov-create")]
    public static async Task CreateSriovAsync(XeCall call)
    {
        var pif = await call.RefAsync("PIF", "pif-uuid");
        await call.CreateAsync("network_sriov.create", pif, await call.RefAsync("network", "network-uuid"));
    }

    [XeCommand("network-sriov-destroy")]
    public static Task DestroySriovAsync(XeCall call) => call.ActAsync("network_sriov.destroy");
}
