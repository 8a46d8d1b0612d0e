namespace XapiCompat.XeCli.Commands.Host;

/// <summary>Plugins of hosts.</summary>
public static class HostPluginCommands
{
    [XeCommand("host-call-plugin")]
    public static async Task CallAsync(XeCall call)
    {
        var host = await call.RefAsync("host", "host-uuid");
        var arguments = await FileArguments.ReadAsync(call, "args");
        await call.Printer.ItemAsync(await call.Api.TextAsync(
            "host.call_plugin", host, call.Parameters.Required("plugin"), call.Parameters.Required("fn"), arguments));
    }
}
