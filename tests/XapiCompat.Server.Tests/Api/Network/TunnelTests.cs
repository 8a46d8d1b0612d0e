using FluentAssertions;
using XapiCompat.Server.Tests.Support;
using XapiCompat.Values;
using Xunit;

namespace XapiCompat.Server.Tests.Api.Network;

/// <summary>Tunnels and SR-IOV.</summary>
public sealed class TunnelTests(RunningServer server) : IClassFixture<RunningServer>
{
    [Fact]
    [SeesEffectOf("tunnel.create", "tunnel.destroy")]
    public async Task A_tunnel_has_an_access_interface_that_follows_its_transport()
    {
        var rig = await NetworkRig.CreateAsync(server);
        var transport = await rig.PifAsync();
        var network = await rig.NetworkAsync();
        (await rig.Api.ErrorAsync("tunnel.create", transport, network)).Should().Equal("TRANSPORT_PIF_NOT_CONFIGURED", transport);
        rig.All("tunnel").Should().BeEmpty();
        await rig.Api.CallAsync("PIF.reconfigure_ip", transport, "DHCP", "", "", "", "");
        var tunnel = rig.Get(await rig.Api.TextAsync("tunnel.create", transport, network));
        tunnel.Target("transport_PIF").Should().Be(transport);
        tunnel.Text("protocol").Should().Be("gre");
        tunnel.Map("status")["active"]!.ToString().Should().Be("false");
        var access = rig.Get(tunnel.Target("access_PIF"));
        access.Text("device").Should().Be("tunnel0");
        access.Target("network").Should().Be(network);
        access.Flag("currently_attached").Should().BeTrue();
        access.Flag("physical").Should().BeFalse();
        rig.Get(transport).Set("tunnel_transport_PIF_of").Should().Equal(tunnel.Reference);
        access.Set("tunnel_access_PIF_of").Should().Equal(tunnel.Reference);

        await rig.Api.CallAsync("PIF.unplug", transport);
        rig.Get(access.Reference).Flag("currently_attached").Should().BeFalse();
        await rig.Api.CallAsync("PIF.plug", access.Reference);
        rig.Get(transport).Flag("currently_attached").Should().BeTrue();
        await rig.Api.CallAsync("tunnel.destroy", tunnel.Reference);
        rig.Exists(tunnel.Reference).Should().BeFalse();
        rig.Exists(access.Reference).Should().BeFalse();
        rig.Exists(transport).Should().BeTrue();
    }

    [Fact]
    public async Task A_tunnel_refuses_what_does_not_fit()
    {
        var rig = await NetworkRig.CreateAsync(server);
        var pif = await rig.PifAsync();
        rig.Set(pif, "ip_configuration_mode", "DHCP");
        var network = await rig.NetworkAsync();
        (await rig.ErrorWhileAsync(network, "managed", false, "tunnel.create", pif, network)).Should().Equal("NETWORK_UNMANAGED", network);
        (await rig.ErrorWhileAsync(pif, "managed", false, "tunnel.create", pif, network)).Should().Equal("PIF_UNMANAGED", pif);
        var own = rig.Get(pif).Target("network");
        (await rig.Api.ErrorAsync("tunnel.create", pif, own)).Should().Equal("NETWORK_ALREADY_CONNECTED", rig.Host, pif);
        (await rig.ErrorWhileAsync(rig.Host, "software_version", XenStruct.Of(("network_backend", "bridge")), "tunnel.create", pif, network)).Should().Equal("OPENVSWITCH_NOT_ACTIVE");
        var bond = rig.Insert("Bond");
        (await rig.ErrorWhileAsync(pif, "bond_slave_of", bond, "tunnel.create", pif, network)).Should().Equal("CANNOT_ADD_TUNNEL_TO_BOND_SLAVE", pif);
        var tunnel = rig.Insert("tunnel", ("access_PIF", pif));
        (await rig.Api.ErrorAsync("tunnel.create", pif, network)).Should().Equal("IS_TUNNEL_ACCESS_PIF", pif);
        rig.Delete(tunnel);
        var sriov = rig.Insert("network_sriov", ("logical_PIF", pif), ("physical_PIF", rig.ManagementPif));
        (await rig.Api.ErrorAsync("tunnel.create", pif, network)).Should().Equal("CANNOT_ADD_TUNNEL_TO_SRIOV_LOGICAL", pif);
        var vlan = rig.Insert("VLAN", ("tagged_PIF", pif), ("tag", 1));
        var above = await rig.PifAsync();
        rig.Set(above, "VLAN_master_of", vlan);
        (await rig.Api.ErrorAsync("tunnel.create", above, network)).Should().Equal("CANNOT_ADD_TUNNEL_TO_VLAN_ON_SRIOV_LOGICAL", above);
        foreach (var one in (string[])[vlan, above, sriov])
            rig.Delete(one);
    }

    [Fact]
    [SeesEffectOf("network_sriov.create", "network_sriov.destroy", "network_sriov.get_remaining_capacity")]
    public async Task SR_IOV_gives_a_logical_interface_and_counts_free_functions()
    {
        var rig = await NetworkRig.CreateAsync(server);
        var physical = await rig.PifAsync();
        var network = await rig.NetworkAsync();
        (await rig.Api.ErrorAsync("network_sriov.create", physical, network)).Should().Equal("PIF_IS_NOT_SRIOV_CAPABLE", physical);
        var pci = rig.Insert("PCI", ("vendor_id", "8086"), ("device_id", "10fb"));
        rig.Set(physical, "capabilities", XenArray.Of(["sriov"]));
        rig.Set(physical, "PCI", pci);
        (await rig.ErrorWhileAsync(rig.Pool, "restrictions", XenStruct.Of(("restrict_network_sriov", "true")), "network_sriov.create", physical, network))
            .Should().Equal("LICENCE_RESTRICTION", "Network_sriov");
        (await rig.ErrorWhileAsync(network, "managed", false, "network_sriov.create", physical, network)).Should().Equal("NETWORK_UNMANAGED", network);
        (await rig.ErrorWhileAsync(physical, "managed", false, "network_sriov.create", physical, network)).Should().Equal("PIF_UNMANAGED", physical);
        var own = rig.Get(physical).Target("network");
        (await rig.Api.ErrorAsync("network_sriov.create", physical, own)).Should().Equal("NETWORK_ALREADY_CONNECTED", rig.Host, physical);

        var sriov = rig.Get(await rig.Api.TextAsync("network_sriov.create", physical, network));
        sriov.Target("physical_PIF").Should().Be(physical);
        sriov.Text("configuration_mode").Should().Be("sysfs");
        sriov.Flag("requires_reboot").Should().BeFalse();
        var logical = rig.Get(sriov.Target("logical_PIF"));
        logical.Flag("currently_attached").Should().BeTrue();
        logical.Text("MAC").Should().Be("fe:ff:ff:ff:ff:ff");
        logical.Target("network").Should().Be(network);
        (await rig.Api.ErrorAsync("network_sriov.create", physical, await rig.NetworkAsync())).Should().Equal("NETWORK_SRIOV_ALREADY_ENABLED", physical);
        (await rig.Api.ErrorAsync("network_sriov.create", logical.Reference, await rig.NetworkAsync())).Should().Equal("PIF_IS_NOT_PHYSICAL", logical.Reference);
        (await rig.Api.ErrorAsync("PIF.forget", physical)).Should().Equal("PIF_SRIOV_STILL_EXISTS", physical);

        (await rig.Api.CallAsync("network_sriov.get_remaining_capacity", sriov.Reference)).GetValue<long>().Should().Be(0);
        var vm = await rig.VmAsync();
        rig.Insert("PCI", ("physical_function", pci));
        rig.Insert("PCI", ("physical_function", pci), ("attached_VMs", XenArray.Of([vm])));
        rig.Insert("PCI", ("physical_function", pci), ("scheduled_to_be_attached_to", vm));
        (await rig.Api.CallAsync("network_sriov.get_remaining_capacity", sriov.Reference)).GetValue<long>().Should().Be(1);

        rig.SetState(vm, "Running");
        var vif = await rig.VifAsync(vm, network);
        (await rig.Api.ListAsync("VIF.get_allowed_operations", vif)).Should().Equal("attach");
        (await rig.Api.ErrorAsync("VIF.plug", vif)).Should().Equal("OPERATION_NOT_ALLOWED", "a VM keeps its VIFs on SR-IOV while it runs");
        var vlan = await rig.Api.TextAsync("VLAN.create", logical.Reference, 9, await rig.NetworkAsync());
        rig.Get(rig.Get(vlan).Target("untagged_PIF")).Flag("currently_attached").Should().BeTrue();
        (await rig.Api.ErrorAsync("network_sriov.destroy", sriov.Reference)).Should().Equal("PIF_VLAN_STILL_EXISTS", logical.Reference);
        await rig.Api.CallAsync("VLAN.destroy", vlan);
        await rig.Api.CallAsync("network_sriov.destroy", sriov.Reference);
        rig.Exists(sriov.Reference).Should().BeFalse();
        rig.Exists(logical.Reference).Should().BeFalse();
    }

    [Fact]
    public async Task A_network_of_one_kind_of_hardware_stays_so()
    {
        var rig = await NetworkRig.CreateAsync(server);
        var network = await rig.NetworkAsync();
        var first = await SriovPifAsync(rig, rig.Host, "10fb");
        await rig.Api.CallAsync("network_sriov.create", first, network);
        var host = rig.AddHost();
        var other = await SriovPifAsync(rig, host, "1572");
        (await rig.Api.ErrorAsync("network_sriov.create", other, network)).Should().Equal("NETWORK_HAS_INCOMPATIBLE_SRIOV_PIFS", other, network);
        (await rig.Api.ErrorAsync("VLAN.create", other, 1, network)).Should().Equal("NETWORK_INCOMPATIBLE_WITH_VLAN_ON_BRIDGE", network);
        (await rig.Api.ErrorAsync("Bond.create", network, JsonArguments.Array([other]), "")).Should().Equal("NETWORK_INCOMPATIBLE_WITH_BOND", network);
        (await rig.Api.ErrorAsync("tunnel.create", other, network)).Should().Equal("NETWORK_INCOMPATIBLE_WITH_TUNNEL", network);
        (await rig.Api.ErrorAsync("network_sriov.create", other, rig.Get(first).Target("network"))).Should().Equal("NETWORK_INCOMPATIBLE_WITH_SRIOV", rig.Get(first).Target("network"));
        await rig.Api.CallAsync("network_sriov.create", await SriovPifAsync(rig, host, "10fb"), network);
        rig.Get(network).Set("PIFs").Should().HaveCount(2);
        rig.Get(host).Set("PIFs").ToList().ForEach(rig.Delete);
        rig.Delete(host);
    }

    private static async Task<string> SriovPifAsync(NetworkRig rig, string host, string device)
    {
        var pif = await rig.PifAsync(host: host);
        rig.Set(pif, "capabilities", XenArray.Of(["sriov"]));
        rig.Set(pif, "PCI", rig.Insert("PCI", ("vendor_id", "8086"), ("device_id", device)));
        return pif;
    }
}
