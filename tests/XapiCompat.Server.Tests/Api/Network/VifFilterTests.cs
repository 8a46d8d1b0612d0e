using FluentAssertions;
using XapiCompat.Server.Tests.Support;
using XapiCompat.Values;
using Xunit;

namespace XapiCompat.Server.Tests.Api.Network;

/// <summary>Locking modes, allowed addresses, trunks and guest addresses of VIFs.</summary>
public sealed class VifFilterTests(RunningServer server) : IClassFixture<RunningServer>
{
    [Fact]
    [SeesEffectOf("VIF.set_locking_mode")]
    public async Task A_VIF_is_locked_unless_a_controller_rules_the_switch()
    {
        var (rig, vif) = await PrepareAsync();
        await rig.Api.CallAsync("VIF.set_locking_mode", vif, "locked");
        (await rig.Api.TextAsync("VIF.get_locking_mode", vif)).Should().Be("locked");
        await rig.Api.CallAsync("VIF.set_locking_mode", vif, "disabled");
        var controller = rig.Insert("SDN_controller");
        (await rig.Api.ErrorAsync("VIF.set_locking_mode", vif, "locked")).Should().Equal("OPERATION_NOT_ALLOWED", "the pool's SDN controller filters instead");
        await rig.Api.CallAsync("VIF.set_locking_mode", vif, "unlocked");
        rig.Delete(controller);
        (await rig.ErrorWhileAsync(rig.Pool, "restrictions", XenStruct.Of(("restrict_vif_locking", "true")), "VIF.set_locking_mode", vif, "locked"))
            .Should().Equal("LICENCE_RESTRICTION", "VIF_locking");
        (await rig.Api.TextAsync("VIF.get_locking_mode", vif)).Should().Be("unlocked");
    }

    [Theory]
    [InlineData("ipv4", "192.0.2.1", "198.51.100.0/24", "2001:db8::1")]
    [InlineData("ipv6", "2001:db8::1", "2001:db8:1::/64", "192.0.2.1")]
    [SeesEffectOf("VIF.set_ipv4_allowed", "VIF.add_ipv4_allowed", "VIF.remove_ipv4_allowed", "VIF.set_ipv6_allowed", "VIF.add_ipv6_allowed", "VIF.remove_ipv6_allowed")]
    public async Task Allowed_addresses_are_addresses_or_ranges_of_the_family(string family, string one, string range, string wrong)
    {
        var (rig, vif) = await PrepareAsync();
        var field = family + "_allowed";
        await rig.Api.CallAsync("VIF.set_" + field, vif, JsonArguments.Array([one, range, one]));
        (await rig.Api.ListAsync("VIF.get_" + field, vif)).Should().Equal(one, range);
        await rig.Api.CallAsync("VIF.remove_" + field, vif, one);
        (await rig.Api.ListAsync("VIF.get_" + field, vif)).Should().Equal(range);
        await rig.Api.CallAsync("VIF.add_" + field, vif, one);
        await rig.Api.CallAsync("VIF.add_" + field, vif, one);
        (await rig.Api.ListAsync("VIF.get_" + field, vif)).Should().BeEquivalentTo(one, range);
        foreach (var text in (string[])[wrong, "", "1", "192.0.2.256", "192.0.2.0/33", "fe80::%1", "here"])
        {
            (await rig.Api.ErrorAsync("VIF.add_" + field, vif, text)).Should().Equal("INVALID_IP_ADDRESS_SPECIFIED", field);
            (await rig.Api.ErrorAsync("VIF.set_" + field, vif, JsonArguments.Array([one, text]))).Should().Equal("INVALID_IP_ADDRESS_SPECIFIED", field);
        }

        (await rig.Api.ListAsync("VIF.get_" + field, vif)).Should().BeEquivalentTo(one, range);
        await rig.Api.CallAsync("VIF.set_" + field, vif, JsonArguments.Array([]));
        (await rig.Api.ListAsync("VIF.get_" + field, vif)).Should().BeEmpty();
    }

    [Fact]
    [SeesEffectOf("VIF.set_trunks", "VIF.add_trunks", "VIF.remove_trunks")]
    public async Task Trunks_are_VLAN_tags_on_a_network_without_VLANs()
    {
        var (rig, vif) = await PrepareAsync();
        await rig.Api.CallAsync("VIF.set_trunks", vif, JsonArguments.Array([10, 20, 10]));
        Trunks(rig, vif).Should().Equal(10, 20);
        await rig.Api.CallAsync("VIF.add_trunks", vif, 4094);
        await rig.Api.CallAsync("VIF.add_trunks", vif, 10);
        Trunks(rig, vif).Should().BeEquivalentTo([4094, 10, 20]);
        await rig.Api.CallAsync("VIF.remove_trunks", vif, 20);
        await rig.Api.CallAsync("VIF.remove_trunks", vif, 21);
        Trunks(rig, vif).Should().BeEquivalentTo([4094, 10]);
        (await rig.Api.ErrorAsync("VIF.add_trunks", vif, 4095)).Should().Equal("VLAN_TAG_INVALID", "4095");
        (await rig.Api.ErrorAsync("VIF.set_trunks", vif, JsonArguments.Array([1, -1]))).Should().Equal("VLAN_TAG_INVALID", "-1");

        var network = await rig.NetworkAsync();
        rig.Set(await rig.PifAsync(network: network), "VLAN", 5);
        (await rig.Api.ErrorAsync("VIF.move", vif, network)).Should().Equal("NETWORK_INCOMPATIBLE_WITH_TRUNKS", network);
        var other = await rig.VifAsync(await rig.VmAsync(), network);
        (await rig.Api.ErrorAsync("VIF.add_trunks", other, 1)).Should().Equal("NETWORK_INCOMPATIBLE_WITH_TRUNKS", network);
        (await rig.Api.ErrorAsync("VIF.set_trunks", other, JsonArguments.Array([1]))).Should().Equal("NETWORK_INCOMPATIBLE_WITH_TRUNKS", network);
        (await rig.Api.ErrorAsync("VIF.create", Records.Vif(await rig.VmAsync(), network, "0", "", ("trunks", JsonArguments.Array([1])))))
            .Should().Equal("NETWORK_INCOMPATIBLE_WITH_TRUNKS", network);
        await rig.Api.CallAsync("VIF.set_trunks", other, JsonArguments.Array([]));
    }

    [Theory]
    [InlineData("ipv4", "192.0.2.9/24", "192.0.2.9", "192.0.2.1", "2001:db8::9/64")]
    [InlineData("ipv6", "2001:db8::9/64", "2001:db8::9", "2001:db8::1", "192.0.2.9/24")]
    [SeesEffectOf("VIF.configure_ipv4", "VIF.configure_ipv6")]
    public async Task A_guest_with_the_feature_gets_an_address(string family, string address, string bare, string gateway, string wrong)
    {
        var (rig, vif) = await PrepareAsync();
        var vm = rig.Get(vif).Target("VM");
        var call = "VIF.configure_" + family;
        (await rig.Api.ErrorAsync(call, vif, "Static", address, gateway)).Should().Equal("VM_LACKS_FEATURE", vm);
        rig.Set(vm, "guest_metrics", rig.Insert("VM_guest_metrics", ("other", XenStruct.Of(("feature-static-ip-setting", "1")))));
        await rig.Api.CallAsync(call, vif, "Static", address, gateway);
        var record = rig.Get(vif);
        record.Text(family + "_configuration_mode").Should().Be("Static");
        record.Set(family + "_addresses").Should().Equal(address);
        record.Text(family + "_gateway").Should().Be(gateway);
        foreach (var text in (string[])[wrong, bare, bare + "/129", ""])
            (await rig.Api.ErrorAsync(call, vif, "Static", text, gateway)).Should().Equal("INVALID_CIDR_ADDRESS_SPECIFIED", "address");
        (await rig.Api.ErrorAsync(call, vif, "Static", address, "nowhere")).Should().Equal("INVALID_IP_ADDRESS_SPECIFIED", "gateway");
        await rig.Api.CallAsync("VIF.set_locking_mode", vif, "locked");
        (await rig.Api.ErrorAsync(call, vif, "Static", address)).Should().Equal("ADDRESS_VIOLATES_LOCKING_CONSTRAINT", address);
        await rig.Api.CallAsync($"VIF.add_{family}_allowed", vif, bare);
        await rig.Api.CallAsync(call, vif, "Static", address);
        rig.Get(vif).Text(family + "_gateway").Should().BeEmpty();
        await rig.Api.CallAsync(call, vif, "None");
        rig.Get(vif).Text(family + "_configuration_mode").Should().Be("None");
    }

    private static IEnumerable<long> Trunks(NetworkRig rig, string vif) => ((XenArray)rig.Get(vif)["trunks"]).Items.Select(t => ((XenInt)t).Number);

    private async Task<(NetworkRig Rig, string Vif)> PrepareAsync()
    {
        var rig = await NetworkRig.CreateAsync(server);
        return (rig, await rig.VifAsync(await rig.VmAsync(), await rig.NetworkAsync()));
    }
}
