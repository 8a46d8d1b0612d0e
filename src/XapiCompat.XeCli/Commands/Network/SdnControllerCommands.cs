namespace XapiCompat.XeCli.Commands.Network;

/// <summary>Controllers of software defined networks.</summary>
public static class SdnControllerCommands
{
    [XeCommand("sdn-controller-introduce")]
    public static Task IntroduceAsync(XeCall call)
    {
        var p = call.Parameters;
        return call.CreateAsync(
            "SDN_controller.introduce", Choice.Of(p.Text("protocol", "ssl"), "ssl", "pssl"), p.Text("address"), p.Whole("tcp-port", 0));
    }

    [XeCommand("sdn-controller-forget")]
    public static Task ForgetAsync(XeCall call) => call.ActAsync("SDN_controller.forget");
}
