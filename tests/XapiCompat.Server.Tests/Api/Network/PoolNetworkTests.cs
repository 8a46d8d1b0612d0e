using FluentAssertions;
using XapiCompat.Server.Tests.Support;
using XapiCompat.Values;
using Xunit;

namespace XapiCompat.Server.Tests.Api.Network;

/// <summary>Calls that concern the interfaces of all hosts of a pool.</summary>
public sealed class PoolNetworkTests(RunningServer server) : IClassFixture<RunningServer>
{
    [Fact]
    [SeesEffectOf("pool.create_VLAN", "pool.create_VLAN_from_PIF")]
    public async Task A_VLAN_of_the_pool_is_made_on_all_hosts_or_on_none()
    {
        var (rig, hosts, below, pifs) = await PrepareAsync("eth40");
        var first = await rig.NetworkAsync();
        Hosts(rig, await rig.Api.ListAsync("pool.create_VLAN", "eth40", first, 5), first).Should().BeEquivalentTo(hosts);
        var second = await rig.NetworkAsync();
        Hosts(rig, await rig.Api.ListAsync("pool.create_VLAN_from_PIF", pifs[1], second, 6), second).Should().BeEquivalentTo(hosts);

        var third = await rig.NetworkAsync();
        (await rig.ErrorWhileAsync(pifs[1], "device", "eth41", "pool.create_VLAN", "eth40", third, 7)).Should().Equal("INVALID_VALUE", "device", "eth40");
        (await rig.ErrorWhileAsync(pifs[1], "managed", false, "pool.create_VLAN_from_PIF", pifs[0], third, 7)).Should().Equal("PIF_UNMANAGED", pifs[1]);
        rig.Get(third).Set("PIFs").Should().BeEmpty();
        (await rig.Api.ErrorAsync("pool.create_VLAN_from_PIF", pifs[0], third, 4095)).Should().Equal("VLAN_TAG_INVALID", "4095");
        (await rig.Api.ErrorAsync("pool.create_VLAN", "eth40", third, 4095)).Should().Equal("VLAN_TAG_INVALID", "4095");

        var metrics = rig.Get(hosts[1]).Target("metrics");
        rig.Set(metrics, "live", false);
        Hosts(rig, await rig.Api.ListAsync("pool.create_VLAN_from_PIF", pifs[0], third, 7), third).Should().Equal(hosts[0]);
        rig.Set(metrics, "live", true);
        rig.Get(below).Set("PIFs").Should().BeEquivalentTo(pifs);
        RemoveHost(rig, hosts[1]);
    }

    [Fact]
    [SeesEffectOf("pool.management_reconfigure", "host.signal_networking_change")]
    public async Task Management_of_all_hosts_moves_to_one_network()
    {
        var (rig, hosts, network, pifs) = await PrepareAsync("eth41");
        var first = rig.ManagementPif;
        var refused = await rig.Api.ErrorAsync("pool.management_reconfigure", network);
        refused[0].Should().Be("PIF_HAS_NO_NETWORK_CONFIGURATION");
        refused[1].Should().BeOneOf(pifs);
        for (var i = 0; i < pifs.Length; i++)
            await rig.Api.CallAsync("PIF.reconfigure_ip", pifs[i], "Static", "192.0.2.1" + i, "255.255.255.0", "", "");
        (await rig.ErrorWhileAsync(rig.Pool, "ha_enabled", true, "pool.management_reconfigure", network)).Should().Equal("HA_IS_ENABLED");
        var own = rig.Get(first).Target("network");
        (await rig.Api.ErrorAsync("pool.management_reconfigure", own)).Should().Equal("PIF_NOT_PRESENT", hosts[1], own);
        (await rig.ErrorWhileAsync(pifs[1], "primary_address_type", "IPv6", "pool.management_reconfigure", network))[0]
            .Should().BeOneOf("PIF_INCOMPATIBLE_PRIMARY_ADDRESS_TYPE", "PIF_HAS_NO_V6_NETWORK_CONFIGURATION");

        await rig.Api.CallAsync("pool.management_reconfigure", network);
        for (var i = 0; i < pifs.Length; i++)
        {
            rig.Get(pifs[i]).Flag("management").Should().BeTrue();
            rig.Get(hosts[i]).Text("address").Should().Be("192.0.2.1" + i);
        }

        rig.Get(first).Flag("management").Should().BeFalse();
        rig.Set(pifs[0], "IP", "192.0.2.77");
        await rig.PoolSession().CallAsync("host.signal_networking_change");
        rig.Get(hosts[0]).Text("address").Should().Be("192.0.2.77");
        await rig.Api.CallAsync("host.management_reconfigure", first);
        RemoveHost(rig, hosts[1]);
    }

    [Fact]
    [SeesEffectOf("host.sync_vlans", "host.sync_tunnels")]
    public async Task A_host_learns_VLANs_and_tunnels_of_the_coordinator()
    {
        var (rig, hosts, _, pifs) = await PrepareAsync("eth42");
        var vlanNetwork = await rig.NetworkAsync();
        var tunnelNetwork = await rig.NetworkAsync();
        await rig.Api.CallAsync("VLAN.create", pifs[0], 33, vlanNetwork);
        rig.Set(pifs[0], "ip_configuration_mode", "DHCP");
        await rig.Api.CallAsync("tunnel.create", pifs[0], tunnelNetwork, "vxlan");
        var lonely = await rig.NetworkAsync();
        await rig.Api.CallAsync("VLAN.create", await rig.PifAsync(), 34, lonely);
        for (var again = 0; again < 2; again++)
        {
            await rig.PoolSession().CallAsync("host.sync_vlans", hosts[1]);
            await rig.PoolSession().CallAsync("host.sync_tunnels", hosts[1]);
        }

        var vlan = rig.Get(vlanNetwork).Set("PIFs").Select(rig.Get).Single(p => p.Target("host") == hosts[1]);
        vlan.Int("VLAN").Should().Be(33);
        vlan.Flag("currently_attached").Should().BeFalse();
        rig.Get(vlan.Target("VLAN_master_of")).Target("tagged_PIF").Should().Be(pifs[1]);
        var access = rig.Get(tunnelNetwork).Set("PIFs").Select(rig.Get).Single(p => p.Target("host") == hosts[1]);
        var tunnel = rig.Get(access.Set("tunnel_access_PIF_of").Single());
        tunnel.Target("transport_PIF").Should().Be(pifs[1]);
        tunnel.Text("protocol").Should().Be("vxlan");
        rig.Get(lonely).Set("PIFs").Should().HaveCount(1, "the host has no interface below it");
        RemoveHost(rig, hosts[1]);
    }

    [Fact]
    [SeesEffectOf("host.sync_pif_currently_attached", "host.reset_networking")]
    public async Task A_host_starts_with_the_bridges_it_has_and_can_be_reset()
    {
        var (rig, hosts, network, pifs) = await PrepareAsync("eth43");
        var other = await rig.PifAsync("eth44", hosts[1]);
        rig.Set(pifs[1], "currently_attached", false);
        await rig.PoolSession().CallAsync("host.sync_pif_currently_attached", hosts[1], JsonArguments.Array([rig.Get(network).Text("bridge")]));
        rig.Get(pifs[1]).Flag("currently_attached").Should().BeTrue();
        rig.Get(other).Flag("currently_attached").Should().BeFalse();

        var vlan = await rig.Api.TextAsync("VLAN.create", other, 3, await rig.NetworkAsync());
        var bond = await rig.Api.TextAsync("Bond.create", await rig.NetworkAsync(), JsonArguments.Array([pifs[1]]), "");
        var metrics = rig.Get(pifs[1]).Target("metrics");
        await rig.Api.CallAsync("host.reset_networking", hosts[1]);
        foreach (var gone in (string[])[vlan, bond, other, pifs[1], metrics])
            rig.Exists(gone).Should().BeFalse();
        rig.Get(hosts[1]).Set("PIFs").Should().BeEmpty();
        rig.Exists(pifs[0]).Should().BeTrue();
        await rig.Api.CallAsync("PIF.scan", hosts[1]);
        rig.Get(hosts[1]).Set("PIFs").Select(p => rig.Get(p).Text("device")).Should().BeEquivalentTo("eth43", "eth44");
        RemoveHost(rig, hosts[1]);
    }

    [Fact]
    [SeesEffectOf("pool.set_igmp_snooping_enabled")]
    public async Task Snooping_is_set_on_all_hosts_with_the_right_switch()
    {
        var (rig, hosts, _, pifs) = await PrepareAsync("eth45");
        await rig.Api.CallAsync("pool.set_igmp_snooping_enabled", rig.Pool, true);
        rig.Get(rig.Pool).Flag("igmp_snooping_enabled").Should().BeTrue();
        pifs.Select(p => rig.Get(p).Text("igmp_snooping_status")).Should().AllBe("enabled");
        (await rig.ErrorWhileAsync(rig.Pool, "restrictions", XenStruct.Of(("restrict_igmp_snooping", "true")), "pool.set_igmp_snooping_enabled", rig.Pool, true))
            .Should().Equal("LICENCE_RESTRICTION", "IGMP_snooping");
        (await rig.ErrorWhileAsync(hosts[0], "software_version", XenStruct.Of(("network_backend", "bridge")), "pool.set_igmp_snooping_enabled", rig.Pool, false))
            .Should().Equal("OPENVSWITCH_NOT_ACTIVE");
        await rig.Api.CallAsync("pool.set_igmp_snooping_enabled", rig.Pool, false);
        pifs.Select(p => rig.Get(p).Text("igmp_snooping_status")).Should().AllBe("disabled");
        RemoveHost(rig, hosts[1]);
    }

    private static IEnumerable<string> Hosts(NetworkRig rig, IReadOnlyList<string> pifs, string network)
    {
        pifs.Should().OnlyContain(p => rig.Get(p).Target("network") == network && rig.Get(p).Flag("currently_attached"));
        return pifs.Select(p => rig.Get(p).Target("host"));
    }

    private static void RemoveHost(NetworkRig rig, string host)
    {
        rig.Get(host).Set("PIFs").ToList().ForEach(rig.Delete);
        rig.Delete(host);
    }

    /// <summary>Two hosts with an interface each on one network; the coordinator first.</summary>
    private async Task<(NetworkRig Rig, string[] Hosts, string Network, string[] Pifs)> PrepareAsync(string device)
    {
        var rig = await NetworkRig.CreateAsync(server);
        string[] hosts = [rig.Host, rig.AddHost()];
        var network = await rig.NetworkAsync();
        return (rig, hosts, network, [await rig.PifAsync(device, hosts[0], network), await rig.PifAsync(device, hosts[1], network)]);
    }
}
