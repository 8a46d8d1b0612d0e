namespace XapiCompat.XeCli.Commands.Network;

/// <summary>Addresses of the interfaces of hosts.</summary>
public static class PifAddressCommands
{
    [XeCommand("pif-reconfigure-ip")]
    public static Task ReconfigureIpAsync(XeCall call)
    {
        var p = call.Parameters;
        var mode = Choice.Of(p.Required("mode"), "None", "DHCP", "Static");
        return call.ActAsync("PIF.reconfigure_ip", mode, AnyCase(call, "IP"), p.Text("netmask"), p.Text("gateway"), AnyCase(call, "DNS"));
    }

    [XeCommand("pif-reconfigure-ipv6")]
    public static Task ReconfigureIpv6Async(XeCall call)
    {
        var p = call.Parameters;
        var mode = Choice.Of(p.Required("mode"), "None", "DHCP", "Static", "Autoconf");
        return call.ActAsync("PIF.reconfigure_ipv6", mode, AnyCase(call, "IPv6"), p.Text("gateway"), AnyCase(call, "DNS"));
    }

    [XeCommand("pif-set-primary-address-type")]
    public static Task SetPrimaryAddressTypeAsync(XeCall call) =>
        call.ActAsync("PIF.set_primary_address_type", Choice.Of(call.Parameters.Required("primary_address_type"), "IPv4", "IPv6"));

    /// <summary>These names are known in any case, unlike all others.</summary>
    private static string AnyCase(XeCall call, string name) =>
        call.Parameters.Pairs.FirstOrDefault(p => p.Key.Equals(name, StringComparison.OrdinalIgnoreCase)).Value ?? "";
}
