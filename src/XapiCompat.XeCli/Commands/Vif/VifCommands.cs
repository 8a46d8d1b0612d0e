using System.Security.Cryptography;
using XapiCompat.Values;

namespace XapiCompat.XeCli.Commands.Vif;

/// <summary>Interfaces of VMs.</summary>
public static class VifCommands
{
    [XeCommand("vif-create")]
    public static async Task CreateAsync(XeCall call)
    {
        var p = call.Parameters;
        var mac = p.Text("mac");
        var vm = await call.RefAsync("VM", "vm-uuid");
        var network = await call.RefAsync("network", "network-uuid");
        await call.CreateAsync("VIF.create", XenStruct.Of(
            ("device", p.Required("device")), ("network", network), ("VM", vm), ("MAC", mac == "random" ? RandomMac() : mac),
            ("MTU", await call.Api.CallAsync("network.get_MTU", network)), ("other_config", XenStruct.Empty), ("currently_attached", false),
            ("qos_algorithm_type", ""), ("qos_algorithm_params", XenStruct.Empty), ("locking_mode", "network_default"),
            ("ipv4_allowed", XenArray.Empty), ("ipv6_allowed", XenArray.Empty), ("trunks", XenArray.Empty)));
    }

    [XeCommand("vif-destroy")]
    public static Task DestroyAsync(XeCall call) => call.ActAsync("VIF.destroy");

    [XeCommand("vif-plug")]
    public static Task PlugAsync(XeCall call) => call.ActAsync("VIF.plug");

    [XeCommand("vif-unplug")]
    public static Task UnplugAsync(XeCall call) => call.ActAsync(call.Parameters.Flag("force") ? "VIF.unplug_force" : "VIF.unplug");

    [XeCommand("vif-move")]
    public static async Task MoveAsync(XeCall call)
    {
        var vif = await call.RefAsync("VIF");
        await call.Api.CallAsync("VIF.move", vif, await call.RefAsync("network", "network-uuid"));
    }

    [XeCommand("vif-configure-ipv4")]
    public static Task ConfigureIpv4Async(XeCall call) =>
        ConfigureAsync(call, "VIF.configure_ipv4", Choice.Of(call.Parameters.Required("mode"), "None", "Static", "DHCP"));

    [XeCommand("vif-configure-ipv6")]
    public static Task ConfigureIpv6Async(XeCall call) =>
        ConfigureAsync(call, "VIF.configure_ipv6", Choice.Of(call.Parameters.Required("mode"), "None", "Static", "Autoconf"));

    private static async Task ConfigureAsync(XeCall call, string message, string mode)
    {
        var address = call.Parameters.Text("address");
        if (mode == "Static" && address.Length == 0)
            throw new XeException("Required parameter not found: address");
        await call.ActAsync(message, mode, address, call.Parameters.Text("gateway"));
    }

    /// <summary>An address that no manufacturer gave away, and of one interface only.</summary>
    private static string RandomMac()
    {
        var bytes = RandomNumberGenerator.GetBytes(6);
        bytes[0] = (byte)((bytes[0] & 0xfc) | 0x02);
        return Convert.ToHexStringLower(bytes).Insert(10, ":").Insert(8, ":").Insert(6, ":").Insert(4, ":").Insert(2, ":");
    }
}
