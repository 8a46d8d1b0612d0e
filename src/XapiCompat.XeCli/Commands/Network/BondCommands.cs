namespace XapiCompat.XeCli.Commands.Network;

/// <summary>Interfaces that work as one.</summary>
public static class BondCommands
{
    [XeCommand("bond-create")]
    public static async Task CreateAsync(XeCall call)
    {
        var network = await call.RefAsync("network", "network-uuid");
        var members = await call.RefsAsync("PIF", "pif-uuids");
        await call.CreateAsync(
            "Bond.create", network, members, call.Parameters.Text("mac"), Choice.BondMode(call.Parameters.Text("mode")),
            call.Parameters.Struct("properties"));
    }

    [XeCommand("bond-destroy")]
    public static Task DestroyAsync(XeCall call) => call.ActAsync("Bond.destroy");

    [XeCommand("bond-set-mode")]
    public static Task SetModeAsync(XeCall call) => call.ActAsync("Bond.set_mode", Choice.BondMode(call.Parameters.Required("mode")));
}
