using FluentAssertions;
using XapiCompat.Server.Tests.Support;
using Xunit;

namespace XapiCompat.Server.Tests.Api.Network;

/// <summary>Addresses of interfaces, and which interface manages a host.</summary>
public sealed class PifAddressTests(RunningServer server) : IClassFixture<RunningServer>
{
    [Fact]
    [SeesEffectOf("PIF.reconfigure_ip")]
    public async Task An_interface_gets_an_address()
    {
        var rig = await NetworkRig.CreateAsync(server);
        var pif = await rig.PifAsync();
        rig.Set(pif, "DNS", "2001:db8::53");
        await rig.Api.CallAsync("PIF.reconfigure_ip", pif, "Static", "192.0.2.5", "255.255.255.0", "192.0.2.1", "192.0.2.53,nonsense,192.0.2.54");
        var record = rig.Get(pif);
        record.Text("ip_configuration_mode").Should().Be("Static");
        record.Text("IP").Should().Be("192.0.2.5");
        record.Text("netmask").Should().Be("255.255.255.0");
        record.Text("gateway").Should().Be("192.0.2.1");
        record.Text("DNS").Should().Be("192.0.2.53,192.0.2.54,2001:db8::53");
        record.Flag("currently_attached").Should().BeTrue();
        await rig.Api.CallAsync("PIF.reconfigure_ip", pif, "DHCP", "", "", "", "");
        rig.Get(pif).Text("ip_configuration_mode").Should().Be("DHCP");
        await rig.Api.CallAsync("PIF.reconfigure_ip", pif, "None", "", "", "", "");
        rig.Get(pif).Text("ip_configuration_mode").Should().Be("None");
    }

    [Theory]
    [InlineData("Static", "", "255.255.255.0", "", "IP")]
    [InlineData("Static", "192.0.2.5", "", "", "netmask")]
    [InlineData("Static", "192.0.2.5", "255.255.255.0", "up there", "gateway")]
    [InlineData("Static", "2001:db8::1", "255.255.255.0", "", "IP")]
    [InlineData("DHCP", "300.0.0.1", "", "", "IP")]
    [InlineData("None", "", "12", "", "netmask")]
    public async Task Addresses_are_addresses(string mode, string ip, string netmask, string gateway, string parameter)
    {
        var rig = await NetworkRig.CreateAsync(server);
        var pif = await rig.PifAsync();
        (await rig.Api.ErrorAsync("PIF.reconfigure_ip", pif, mode, ip, netmask, gateway, "")).Should().Equal("INVALID_IP_ADDRESS_SPECIFIED", parameter);
        rig.Get(pif).Text("ip_configuration_mode").Should().Be("None");
    }

    [Fact]
    public async Task An_interface_under_protection_keeps_its_address()
    {
        var rig = await NetworkRig.CreateAsync(server);
        var pif = await rig.PifAsync();
        object?[] call = [pif, "Static", "192.0.2.5", "255.255.255.0", "", ""];
        (await rig.ErrorWhileAsync(pif, "managed", false, "PIF.reconfigure_ip", call)).Should().Equal("PIF_UNMANAGED", pif);
        (await rig.ErrorWhileAsync(rig.Pool, "ha_enabled", true, "PIF.reconfigure_ip", call)).Should().Equal("HA_IS_ENABLED");
        var member = rig.Insert("Cluster_host", ("PIF", pif), ("enabled", true));
        (await rig.Api.ErrorAsync("PIF.reconfigure_ip", call)).Should().Equal("CLUSTERING_ENABLED", member);
        rig.Set(member, "enabled", false);
        await rig.Api.CallAsync("PIF.reconfigure_ip", call);
        rig.Set(member, "enabled", true);
        await rig.Api.CallAsync("PIF.reconfigure_ip", pif, "Static", "192.0.2.5", "255.255.255.0", "", "192.0.2.53");
        rig.Get(pif).Text("DNS").Should().Be("192.0.2.53", "name servers may change");
        rig.Delete(member);
        (await rig.Api.ErrorAsync("PIF.reconfigure_ip", rig.ManagementPif, "None", "", "", "", "")).Should().Equal("PIF_IS_MANAGEMENT_INTERFACE", rig.ManagementPif);
    }

    [Fact]
    [SeesEffectOf("PIF.reconfigure_ipv6")]
    public async Task An_interface_gets_an_IPv6_address()
    {
        var rig = await NetworkRig.CreateAsync(server);
        var pif = await rig.PifAsync();
        rig.Set(pif, "DNS", "192.0.2.53");
        await rig.Api.CallAsync("PIF.reconfigure_ipv6", pif, "Static", "2001:db8::5/64", "2001:db8::1", "2001:db8::53,192.0.2.99");
        var record = rig.Get(pif);
        record.Text("ipv6_configuration_mode").Should().Be("Static");
        record.Set("IPv6").Should().Equal("2001:db8::5/64");
        record.Text("ipv6_gateway").Should().Be("2001:db8::1");
        record.Text("DNS").Should().Be("2001:db8::53,192.0.2.53");
        (await rig.Api.ErrorAsync("PIF.reconfigure_ipv6", pif, "Static", "2001:db8::5", "", "")).Should().Equal("INVALID_CIDR_ADDRESS_SPECIFIED", "IPv6");
        (await rig.Api.ErrorAsync("PIF.reconfigure_ipv6", pif, "Static", "192.0.2.5/24", "", "")).Should().Equal("INVALID_CIDR_ADDRESS_SPECIFIED", "IPv6");
        (await rig.Api.ErrorAsync("PIF.reconfigure_ipv6", pif, "Static", "2001:db8::5/64", "192.0.2.1", "")).Should().Equal("INVALID_IP_ADDRESS_SPECIFIED", "gateway");
        (await rig.ErrorWhileAsync(pif, "managed", false, "PIF.reconfigure_ipv6", pif, "None", "", "", "")).Should().Equal("PIF_UNMANAGED", pif);
        var management = rig.ManagementPif;
        (await rig.ErrorWhileAsync(management, "primary_address_type", "IPv6", "PIF.reconfigure_ipv6", management, "None", "", "", ""))
            .Should().Equal("PIF_IS_MANAGEMENT_INTERFACE", management);
    }

    [Fact]
    [SeesEffectOf("host.get_management_interface", "host.management_reconfigure", "host.management_disable")]
    public async Task Management_moves_to_a_configured_interface()
    {
        var rig = await NetworkRig.CreateAsync(server);
        var first = rig.ManagementPif;
        var address = rig.Get(rig.Host).Text("address");
        (await rig.Api.TextAsync("host.get_management_interface", rig.Host)).Should().Be(first);
        var pif = await rig.PifAsync();
        (await rig.Api.ErrorAsync("host.management_reconfigure", pif)).Should().Equal("PIF_HAS_NO_NETWORK_CONFIGURATION", pif);
        (await rig.ErrorWhileAsync(pif, "primary_address_type", "IPv6", "host.management_reconfigure", pif)).Should().Equal("PIF_HAS_NO_V6_NETWORK_CONFIGURATION", pif);
        await rig.Api.CallAsync("PIF.reconfigure_ip", pif, "Static", "192.0.2.6", "255.255.255.0", "", "");
        rig.Set(pif, "currently_attached", false);
        (await rig.ErrorWhileAsync(rig.Pool, "ha_enabled", true, "host.management_reconfigure", pif)).Should().Equal("HA_IS_ENABLED");
        var bond = rig.Insert("Bond", ("master", first));
        (await rig.ErrorWhileAsync(pif, "bond_slave_of", bond, "host.management_reconfigure", pif)).Should().Equal("CANNOT_PLUG_BOND_SLAVE", pif);
        rig.Delete(bond);

        await rig.Api.CallAsync("host.management_reconfigure", pif);
        (await rig.Api.TextAsync("host.get_management_interface", rig.Host)).Should().Be(pif);
        rig.Get(pif).Flag("management").Should().BeTrue();
        rig.Get(pif).Flag("currently_attached").Should().BeTrue();
        rig.Get(first).Flag("management").Should().BeFalse();
        rig.Get(rig.Host).Text("address").Should().Be("192.0.2.6");
        await rig.Api.CallAsync("PIF.reconfigure_ip", pif, "Static", "192.0.2.7", "255.255.255.0", "", "");
        rig.Get(rig.Host).Text("address").Should().Be("192.0.2.7");

        (await rig.ErrorWhileAsync(rig.Pool, "ha_enabled", true, "host.management_disable")).Should().Equal("HA_IS_ENABLED");
        (await rig.ErrorWhileAsync(rig.Pool, "master", rig.AddHost(), "host.management_disable")).Should().Equal("SLAVE_REQUIRES_MANAGEMENT_INTERFACE");
        await rig.Api.CallAsync("host.management_disable");
        rig.Get(pif).Flag("management").Should().BeFalse();
        (await rig.Api.ErrorAsync("host.get_management_interface", rig.Host))[0].Should().Be("INTERNAL_ERROR");
        await rig.Api.CallAsync("host.management_reconfigure", first);
        rig.Get(rig.Host).Text("address").Should().Be(address);
    }
}
