using XapiCompat.Values;

namespace XapiCompat.XeCli.Commands.Sr;

/// <summary>Connections between hosts and SRs.</summary>
public static class PbdCommands
{
    [XeCommand("pbd-create")]
    public static async Task CreateAsync(XeCall call)
    {
        var host = await call.RefAsync("host", "host-uuid");
        var sr = await call.RefAsync("SR", "sr-uuid");
        await call.CreateAsync("PBD.create", XenStruct.Of(
            ("host", host), ("SR", sr), ("device_config", call.Parameters.Struct("device-config")), ("other_config", XenStruct.Empty)));
    }

    [XeCommand("pbd-destroy")]
    public static Task DestroyAsync(XeCall call) => call.ActAsync("PBD.destroy");

    [XeCommand("pbd-plug")]
    public static Task PlugAsync(XeCall call) => call.ActAsync("PBD.plug");

    [XeCommand("pbd-unplug")]
    public static Task UnplugAsync(XeCall call) => call.ActAsync("PBD.unplug");
}
