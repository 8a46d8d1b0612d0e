namespace XapiCompat.XeCli.Commands.Network;

/// <summary>Interfaces of hosts.</summary>
public static class PifCommands
{
    [XeCommand("pif-introduce")]
    public static async Task IntroduceAsync(XeCall call) => await call.CreateAsync(
        "PIF.introduce", await call.RefAsync("host", "host-uuid"), call.Parameters.Text("mac"), call.Parameters.Required("device"),
        call.Parameters.Flag("managed", otherwise: true));

    [XeCommand("pif-forget")]
    public static Task ForgetAsync(XeCall call) => call.ActAsync("PIF.forget");

    [XeCommand("pif-db-forget")]
    public static Task DbForgetAsync(XeCall call) => call.ActAsync("PIF.db_forget");

    [XeCommand("pif-plug")]
    public static Task PlugAsync(XeCall call) => call.ActAsync("PIF.plug");

    [XeCommand("pif-unplug")]
    public static Task UnplugAsync(XeCall call) => call.ActAsync("PIF.unplug");

    [XeCommand("pif-scan")]
    public static async Task ScanAsync(XeCall call) => await call.Api.CallAsync("PIF.scan", await call.RefAsync("host", "host-uuid"));
}
