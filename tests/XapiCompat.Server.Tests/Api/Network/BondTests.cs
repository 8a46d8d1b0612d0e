using FluentAssertions;
using XapiCompat.Server.Tests.Support;
using XapiCompat.Values;
using Xunit;

namespace XapiCompat.Server.Tests.Api.Network;

/// <summary>Bonds: what they need, what moves to them and back.</summary>
public sealed class BondTests(RunningServer server) : IClassFixture<RunningServer>
{
    [Fact]
    [SeesEffectOf("Bond.create", "Bond.destroy")]
    public async Task A_bond_takes_over_from_its_members_and_gives_back()
    {
        var rig = await NetworkRig.CreateAsync(server);
        var first = await rig.PifAsync();
        var second = await rig.PifAsync();
        await rig.Api.CallAsync("PIF.reconfigure_ip", second, "Static", "192.0.2.20", "255.255.255.0", "192.0.2.1", "192.0.2.53");
        var vlan = await rig.Api.TextAsync("VLAN.create", first, 11, await rig.NetworkAsync());
        var vlanPif = rig.Get(rig.Get(vlan).Target("untagged_PIF"));
        var vif = await rig.VifAsync(await rig.VmAsync(), rig.Get(first).Target("network"));
        rig.Set(first, "disallow_unplug", true);
        var network = await rig.NetworkAsync("", ("MTU", 9000));

        var bond = rig.Get(await rig.Api.TextAsync("Bond.create", network, JsonArguments.Array([first, second, first]), ""));
        var master = rig.Get(bond.Target("master"));
        bond.Text("mode").Should().Be("balance-slb");
        bond.Target("primary_slave").Should().Be(second, "it has the address");
        bond.Set("slaves").Should().BeEquivalentTo(first, second);
        bond.Int("links_up").Should().Be(2);
        bond.Flag("auto_update_mac").Should().BeTrue();
        master.Text("device").Should().MatchRegex("^bond[0-9]+$");
        master.Text("MAC").Should().Be(rig.Get(second).Text("MAC"));
        master.Text("IP").Should().Be("192.0.2.20");
        master.Text("ip_configuration_mode").Should().Be("Static");
        master.Int("MTU").Should().Be(9000);
        master.Flag("physical").Should().BeFalse();
        master.Flag("currently_attached").Should().BeTrue();
        master.Flag("disallow_unplug").Should().BeTrue();
        rig.Get(master.Target("metrics")).Int("speed").Should().Be(2000);
        foreach (var member in new[] { rig.Get(first), rig.Get(second) })
        {
            member.Target("bond_slave_of").Should().Be(bond.Reference);
            member.Flag("currently_attached").Should().BeFalse();
            member.Flag("disallow_unplug").Should().BeFalse();
            member.Text("ip_configuration_mode").Should().Be("None");
            rig.Get(member.Target("network")).Int("MTU").Should().Be(9000);
            (await rig.Api.ErrorAsync("PIF.plug", member.Reference)).Should().Equal("CANNOT_PLUG_BOND_SLAVE", member.Reference);
        }

        rig.Exists(vlan).Should().BeFalse("VLANs are made anew on the bond");
        var moved = rig.Get(rig.Get(master.Reference).Set("VLAN_slave_of").Single());
        moved.Int("tag").Should().Be(11);
        rig.Get(moved.Target("untagged_PIF")).Target("network").Should().Be(vlanPif.Target("network"));
        rig.Get(moved.Target("untagged_PIF")).Flag("currently_attached").Should().BeTrue();
        rig.Get(vif).Target("network").Should().Be(network);

        await rig.Api.CallAsync("Bond.destroy", bond.Reference);
        rig.Exists(bond.Reference).Should().BeFalse();
        rig.Exists(master.Reference).Should().BeFalse();
        var back = rig.Get(second);
        back.Text("IP").Should().Be("192.0.2.20");
        back.Target("bond_slave_of").Should().Be(Records.Null);
        back.Flag("currently_attached").Should().BeTrue();
        back.Flag("disallow_unplug").Should().BeTrue();
        rig.Get(first).Flag("currently_attached").Should().BeTrue();
        rig.Get(back.Set("VLAN_slave_of").Single()).Int("tag").Should().Be(11);
        rig.Get(vif).Target("network").Should().Be(back.Target("network"));
    }

    [Fact]
    public async Task Management_moves_with_its_interface()
    {
        var rig = await NetworkRig.CreateAsync(server);
        var management = rig.ManagementPif;
        var before = rig.Get(management);
        var other = await rig.PifAsync();
        rig.Set(other, "properties", before["properties"]);
        var network = await rig.NetworkAsync();
        (await rig.ErrorWhileAsync(rig.Pool, "ha_enabled", true, "Bond.create", network, JsonArguments.Array([other, management]), ""))
            .Should().Equal("HA_CANNOT_CHANGE_BOND_STATUS_OF_MGMT_IFACE");
        var bond = rig.Get(await rig.Api.TextAsync("Bond.create", network, JsonArguments.Array([other, management]), "02:00:00:00:aa:bb", "active-backup"));
        bond.Target("primary_slave").Should().Be(management);
        bond.Flag("auto_update_mac").Should().BeFalse();
        var master = rig.Get(bond.Target("master"));
        master.Text("MAC").Should().Be("02:00:00:00:aa:bb");
        master.Flag("management").Should().BeTrue();
        rig.Get(management).Flag("management").Should().BeFalse();
        master.Text("IP").Should().Be(before.Text("IP"));
        rig.Get(rig.Host).Text("address").Should().Be(before.Text("IP"));
        (await rig.ErrorWhileAsync(rig.Pool, "ha_enabled", true, "Bond.destroy", bond.Reference)).Should().Equal("HA_CANNOT_CHANGE_BOND_STATUS_OF_MGMT_IFACE");
        await rig.Api.CallAsync("Bond.destroy", bond.Reference);
        rig.Get(management).Flag("management").Should().BeTrue();
        rig.Get(management).Text("IP").Should().Be(before.Text("IP"));
        rig.Get(management).Flag("currently_attached").Should().BeTrue();
    }

    [Fact]
    [SeesEffectOf("Bond.set_mode", "Bond.set_property")]
    public async Task Modes_have_properties()
    {
        var rig = await NetworkRig.CreateAsync(server);
        var members = JsonArguments.Array([await rig.PifAsync(), await rig.PifAsync()]);
        var network = await rig.NetworkAsync();
        (await rig.Api.ErrorAsync("Bond.create", network, members, "", "lacp", JsonArguments.Map(("lacp-time", "soon")))).Should().Equal("INVALID_VALUE", "properties", "lacp-time = soon");
        (await rig.Api.ErrorAsync("Bond.create", network, members, "", "balance-slb", JsonArguments.Map(("lacp-time", "fast"))))
            .Should().Equal("INVALID_VALUE", "properties", "lacp-time = fast");
        var bond = await rig.Api.TextAsync("Bond.create", network, members, "", "lacp", JsonArguments.Map(("lacp-time", "fast")));
        Properties(rig, bond).Should().Equal("hashing_algorithm=tcpudp_ports", "lacp-fallback-ab=true", "lacp-time=fast");
        await rig.Api.CallAsync("Bond.set_property", bond, "lacp-aggregation-key", "12");
        await rig.Api.CallAsync("Bond.set_property", bond, "hashing_algorithm", "src_mac");
        Properties(rig, bond).Should().Equal("hashing_algorithm=src_mac", "lacp-aggregation-key=12", "lacp-fallback-ab=true", "lacp-time=fast");
        (await rig.Api.ErrorAsync("Bond.set_property", bond, "lacp-aggregation-key", "a")).Should().Equal("INVALID_VALUE", "properties", "lacp-aggregation-key = a");
        (await rig.Api.ErrorAsync("Bond.set_property", bond, "color", "red")).Should().Equal("INVALID_VALUE", "properties", "color = red");
        await rig.Api.CallAsync("Bond.set_mode", bond, "active-backup");
        rig.Get(bond).Text("mode").Should().Be("active-backup");
        Properties(rig, bond).Should().BeEmpty();
        await rig.Api.CallAsync("Bond.set_mode", bond, "lacp");
        Properties(rig, bond).Should().Equal("hashing_algorithm=tcpudp_ports", "lacp-fallback-ab=true", "lacp-time=slow");
        var master = rig.Get(bond).Target("master");
        await rig.Api.CallAsync("PIF.set_property", master, "gro", "off");
        rig.Get(bond).Set("slaves").Select(s => rig.Get(s).Map("properties")["gro"]!.ToString()).Should().AllBe("off");
        var member = rig.Get(bond).Set("slaves").First();
        (await rig.Api.ErrorAsync("PIF.set_property", member, "gro", "on")).Should().Equal("CANNOT_CHANGE_PIF_PROPERTIES", member);
    }

    [Fact]
    public async Task A_bond_refuses_what_does_not_fit()
    {
        var rig = await NetworkRig.CreateAsync(server);
        var first = await rig.PifAsync();
        var second = await rig.PifAsync("eth70");
        var network = await rig.NetworkAsync();
        object?[] call = [network, JsonArguments.Array([first, second]), ""];
        (await rig.Api.ErrorAsync("Bond.create", network, JsonArguments.Array([]), "")).Should().Equal("PIF_BOND_NEEDS_MORE_MEMBERS");
        (await rig.Api.ErrorAsync("Bond.create", network, JsonArguments.Array([first, second]), "02:zz")).Should().Equal("MAC_INVALID", "02:zz");
        var own = rig.Get(first).Target("network");
        (await rig.Api.ErrorAsync("Bond.create", own, JsonArguments.Array([first, second]), "")).Should().Equal("NETWORK_ALREADY_CONNECTED", rig.Host, first);
        (await rig.ErrorWhileAsync(network, "managed", false, "Bond.create", call)).Should().Equal("NETWORK_UNMANAGED", network);
        (await rig.ErrorWhileAsync(second, "managed", false, "Bond.create", call)).Should().Equal("PIF_UNMANAGED", second);
        (await rig.ErrorWhileAsync(second, "primary_address_type", "IPv6", "Bond.create", call)).Should().Equal("PIF_INCOMPATIBLE_PRIMARY_ADDRESS_TYPE", second);
        (await rig.ErrorWhileAsync(second, "properties", XenStruct.Empty, "Bond.create", call)).Should().Equal("INCOMPATIBLE_PIF_PROPERTIES");
        var bond = rig.Insert("Bond");
        (await rig.ErrorWhileAsync(second, "bond_slave_of", bond, "Bond.create", call)).Should().Equal("PIF_ALREADY_BONDED", second);
        var vlan = rig.Insert("VLAN");
        (await rig.ErrorWhileAsync(second, "VLAN_master_of", vlan, "Bond.create", call))[0].Should().Be("PIF_VLAN_EXISTS");
        var tunnel = rig.Insert("tunnel", ("access_PIF", second));
        (await rig.Api.ErrorAsync("Bond.create", call)).Should().Equal("IS_TUNNEL_ACCESS_PIF", second);
        rig.Delete(tunnel);
        var sriov = rig.Insert("network_sriov", ("logical_PIF", second));
        (await rig.Api.ErrorAsync("Bond.create", call)).Should().Equal("PIF_IS_SRIOV_LOGICAL", second);
        rig.Delete(sriov);
        rig.Set(first, "ip_configuration_mode", "DHCP");
        (await rig.ErrorWhileAsync(second, "ip_configuration_mode", "DHCP", "Bond.create", call)).Should().Equal("PIF_BOND_MORE_THAN_ONE_IP");
        var host = rig.AddHost();
        (await rig.ErrorWhileAsync(second, "host", host, "Bond.create", call)).Should().Equal("PIF_CANNOT_BOND_CROSS_HOST");
        rig.Delete(host);
        rig.Get(network).Set("PIFs").Should().BeEmpty();
        rig.Get(first).Target("bond_slave_of").Should().Be(Records.Null);
    }

    private static IEnumerable<string> Properties(NetworkRig rig, string bond)
    {
        var map = rig.Get(bond).Map("properties");
        return map.Names.Select(n => n + "=" + map[n]).Order(StringComparer.Ordinal);
    }
}
