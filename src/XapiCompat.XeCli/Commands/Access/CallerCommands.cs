using XapiCompat.Values;

namespace XapiCompat.XeCli.Commands.Access;

/// <summary>Kinds of API clients; their uuids are plain lines, which <c>--minimal</c> drops.</summary>
public static class CallerCommands
{
    [XeCommand("caller-create")]
    public static async Task CreateAsync(XeCall call)
    {
        var p = call.Parameters;
        if (p.Text("user-agent").Length == 0 && p.Text("client-ip").Length == 0)
            throw new XeException("Either user-agent or client-ip must be specified");
        var caller = await call.Api.TextAsync("Caller.create", XenStruct.Of(
            ("name_label", p.Text("name-label")), ("name_description", p.Text("name-description")), ("user_agent", p.Text("user-agent")),
            ("client_ip", p.Text("client-ip"))));
        await call.Printer.LineAsync(await call.Api.UuidAsync("Caller", caller));
    }

    [XeCommand("caller-destroy")]
    public static Task DestroyAsync(XeCall call) => call.ActAsync("Caller.destroy");
}
