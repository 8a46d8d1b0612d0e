namespace XapiCompat.XeCli.Commands.Host;

/// <summary>Variants of drivers.</summary>
public static class HostDriverCommands
{
    [XeCommand("hostdriver-variant-select")]
    public static Task SelectVariantAsync(XeCall call) => call.ActAsync("Driver_variant.select");

    [XeCommand("hostdriver-select")]
    public static async Task SelectAsync(XeCall call)
    {
        var name = call.Parameters.Required("variant-name");
        var driver = await call.RefAsync("Host_driver");
        foreach (var variant in await call.Api.ListAsync("Host_driver.get_variants", driver))
        {
            if (await call.Api.TextAsync("Driver_variant.get_name", variant) != name)
                continue;
            await call.Api.CallAsync("Host_driver.select", driver, variant);
            return;
        }

        throw new XeException("This driver has no variant of the name " + name);
    }

    [XeCommand("hostdriver-deselect")]
    public static Task DeselectAsync(XeCall call)
    {
        call.DemandForce();
        return call.ActAsync("Host_driver.deselect");
    }
}
