using FluentAssertions;
using XapiCompat.Server.Tests.Support;
using Xunit;

namespace XapiCompat.Server.Tests.Api.Network;

/// <summary>VLANs on one host and on all hosts of a pool; what hosts learn from the coordinator.</summary>
public sealed class VlanTests(RunningServer server) : IClassFixture<RunningServer>
{
    [Fact]
    [SeesEffectOf("VLAN.create", "VLAN.destroy")]
    public async Task A_VLAN_is_an_interface_of_its_own()
    {
        var rig = await NetworkRig.CreateAsync(server);
        var tagged = await rig.PifAsync();
        var network = await rig.NetworkAsync();
        var vlan = await rig.Api.TextAsync("VLAN.create", tagged, 42, network);
        var record = rig.Get(vlan);
        record.Target("tagged_PIF").Should().Be(tagged);
        record.Int("tag").Should().Be(42);
        var untagged = rig.Get(record.Target("untagged_PIF"));
        untagged.Int("VLAN").Should().Be(42);
        untagged.Text("device").Should().Be(rig.Get(tagged).Text("device"));
        untagged.Text("MAC").Should().Be("fe:ff:ff:ff:ff:ff");
        untagged.Flag("physical").Should().BeFalse();
        untagged.Flag("currently_attached").Should().BeTrue();
        untagged.Target("VLAN_master_of").Should().Be(vlan);
        untagged.Target("network").Should().Be(network);
        untagged.Target("metrics").Should().Be(rig.Get(tagged).Target("metrics"));
        rig.Get(tagged).Set("VLAN_slave_of").Should().Equal(vlan);
        rig.Get(network).Set("PIFs").Should().Equal(untagged.Reference);

        await rig.Api.CallAsync("VLAN.destroy", vlan);
        rig.Exists(vlan).Should().BeFalse();
        rig.Exists(untagged.Reference).Should().BeFalse();
        rig.Exists(rig.Get(tagged).Target("metrics")).Should().BeTrue();
    }

    [Fact]
    public async Task A_VLAN_refuses_what_does_not_fit()
    {
        var rig = await NetworkRig.CreateAsync(server);
        var tagged = await rig.PifAsync("eth60");
        var network = await rig.NetworkAsync();
        (await rig.Api.ErrorAsync("VLAN.create", tagged, 4095, network)).Should().Equal("VLAN_TAG_INVALID", "4095");
        (await rig.Api.ErrorAsync("VLAN.create", tagged, -1, network)).Should().Equal("VLAN_TAG_INVALID", "-1");
        (await rig.Api.ErrorAsync("VLAN.create", SampleValues.Nowhere, 1, network)).Should().Equal("HANDLE_INVALID", "PIF", SampleValues.Nowhere);
        (await rig.ErrorWhileAsync(network, "managed", false, "VLAN.create", tagged, 1, network)).Should().Equal("NETWORK_UNMANAGED", network);
        (await rig.ErrorWhileAsync(tagged, "managed", false, "VLAN.create", tagged, 1, network)).Should().Equal("PIF_UNMANAGED", tagged);
        (await rig.Api.ErrorAsync("VLAN.create", tagged, 1, rig.Get(tagged).Target("network"))).Should().Equal("NETWORK_ALREADY_CONNECTED", rig.Host, tagged);
        var bond = rig.Insert("Bond");
        (await rig.ErrorWhileAsync(tagged, "bond_slave_of", bond, "VLAN.create", tagged, 1, network)).Should().Equal("CANNOT_ADD_VLAN_TO_BOND_SLAVE", tagged);
        rig.Delete(bond);
        var tunnel = rig.Insert("tunnel", ("access_PIF", tagged));
        (await rig.Api.ErrorAsync("VLAN.create", tagged, 1, network)).Should().Equal("IS_TUNNEL_ACCESS_PIF", tagged);
        rig.Delete(tunnel);

        var vlan = await rig.Api.TextAsync("VLAN.create", tagged, 1, network);
        var untagged = rig.Get(vlan).Target("untagged_PIF");
        var other = await rig.NetworkAsync();
        (await rig.Api.ErrorAsync("VLAN.create", tagged, 1, other)).Should().Equal("PIF_VLAN_EXISTS", "eth60");
        (await rig.Api.ErrorAsync("VLAN.create", untagged, 2, other)).Should().Equal("PIF_IS_VLAN", untagged);
        var vif = await rig.VifAsync(await rig.VmAsync(), other);
        await rig.Api.CallAsync("VIF.add_trunks", vif, 9);
        (await rig.Api.ErrorAsync("VLAN.create", tagged, 2, other)).Should().Equal("NETWORK_INCOMPATIBLE_WITH_TRUNKS", other);
        (await rig.Api.ErrorAsync("PIF.forget", tagged)).Should().Equal("PIF_VLAN_STILL_EXISTS", tagged);
        (await rig.Api.ErrorAsync("PIF.forget", untagged)).Should().Equal("PIF_VLAN_STILL_EXISTS", untagged);

        var plugged = await rig.VifAsync(await rig.VmAsync("Running"), network);
        await rig.Api.CallAsync("VIF.plug", plugged);
        (await rig.Api.ErrorAsync("VLAN.destroy", vlan)).Should().Equal("VIF_IN_USE", network, plugged);
        (await rig.ErrorWhileAsync(rig.Pool, "ha_enabled", true, "VLAN.destroy", vlan)).Should().Equal("HA_IS_ENABLED");
    }

    [Fact]
    [SeesEffectOf("VLAN.pool_introduce")]
    public async Task An_introduced_VLAN_joins_two_interfaces()
    {
        var rig = await NetworkRig.CreateAsync(server);
        var tagged = await rig.PifAsync();
        var untagged = await rig.PifAsync();
        var metrics = rig.Get(untagged).Target("metrics");
        var vlan = await rig.Api.TextAsync("VLAN.pool_introduce", tagged, untagged, 8, JsonArguments.Map(("k", "v")));
        rig.Get(vlan).Int("tag").Should().Be(8);
        rig.Get(vlan).Map("other_config")["k"]!.ToString().Should().Be("v");
        rig.Get(untagged).Target("VLAN_master_of").Should().Be(vlan);
        rig.Get(untagged).Target("metrics").Should().Be(rig.Get(tagged).Target("metrics"));
        rig.Exists(metrics).Should().BeFalse();
    }

    [Fact]
    [SeesEffectOf("PIF.create_VLAN", "PIF.destroy")]
    public async Task The_old_calls_name_the_device()
    {
        var rig = await NetworkRig.CreateAsync(server);
        var tagged = await rig.PifAsync("eth61");
        var network = await rig.NetworkAsync();
        var pif = await rig.Api.TextAsync("PIF.create_VLAN", "eth61", network, rig.Host, 7);
        var vlan = rig.Get(pif).Target("VLAN_master_of");
        rig.Get(vlan).Target("tagged_PIF").Should().Be(tagged);
        (await rig.Api.ErrorAsync("PIF.create_VLAN", "eth99", network, rig.Host, 7)).Should().Equal("INVALID_VALUE", "device", "eth99");
        (await rig.Api.ErrorAsync("PIF.destroy", tagged)).Should().Equal("PIF_IS_PHYSICAL");
        await rig.Api.CallAsync("PIF.destroy", pif);
        rig.Exists(pif).Should().BeFalse();
        rig.Exists(vlan).Should().BeFalse();
    }
}
