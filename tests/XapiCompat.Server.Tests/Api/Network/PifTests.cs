using FluentAssertions;
using XapiCompat.Server.Tests.Support;
using XapiCompat.Values;
using Xunit;

namespace XapiCompat.Server.Tests.Api.Network;

/// <summary>Interfaces of hosts: found, forgotten, brought up and down, configured.</summary>
public sealed class PifTests(RunningServer server) : IClassFixture<RunningServer>
{
    [Fact]
    [SeesEffectOf("PIF.plug", "PIF.unplug")]
    public async Task An_interface_goes_down_and_up()
    {
        var rig = await NetworkRig.CreateAsync(server);
        var pif = await rig.PifAsync();
        await rig.Api.CallAsync("PIF.unplug", pif);
        rig.Get(pif).Flag("currently_attached").Should().BeFalse();
        await rig.Api.CallAsync("PIF.plug", pif);
        rig.Get(pif).Flag("currently_attached").Should().BeTrue();
        rig.Get(pif).Text("igmp_snooping_status").Should().Be("disabled");

        (await rig.Api.ErrorAsync("PIF.unplug", rig.ManagementPif)).Should().Equal("PIF_IS_MANAGEMENT_INTERFACE", rig.ManagementPif);
        foreach (var call in (string[])["PIF.plug", "PIF.unplug"])
            (await rig.ErrorWhileAsync(pif, "managed", false, call, pif)).Should().Equal("PIF_UNMANAGED", pif);
        (await rig.ErrorWhileAsync(rig.Pool, "ha_enabled", true, "PIF.unplug", pif)).Should().Equal("HA_IS_ENABLED");
        (await rig.ErrorWhileAsync(rig.Pool, "redo_log_enabled", true, "PIF.unplug", pif)).Should().Equal("REDO_LOG_IS_ENABLED");
        var network = rig.Get(pif).Target("network");
        var vif = await rig.VifAsync(await rig.VmAsync("Running"), network);
        await rig.Api.CallAsync("VIF.plug", vif);
        (await rig.Api.ErrorAsync("PIF.unplug", pif)).Should().Equal("VIF_IN_USE", network, vif);
    }

    [Fact]
    [SeesEffectOf("PIF.set_disallow_unplug")]
    public async Task An_interface_can_be_kept_up()
    {
        var rig = await NetworkRig.CreateAsync(server);
        var pif = await rig.PifAsync();
        await rig.Api.CallAsync("PIF.set_disallow_unplug", pif, true);
        rig.Get(pif).Flag("disallow_unplug").Should().BeTrue();
        (await rig.Api.ErrorAsync("PIF.unplug", pif)).Should().Equal("PIF_DOES_NOT_ALLOW_UNPLUG", pif);
        var member = rig.Insert("Cluster_host", ("PIF", pif), ("enabled", true));
        (await rig.Api.ErrorAsync("PIF.set_disallow_unplug", pif, false)).Should().Equal("CLUSTERING_ENABLED", member);
        rig.Delete(member);
        var cluster = rig.Insert("Cluster", ("current_operations", XenStruct.Of(("task", "enable"))));
        (await rig.Api.ErrorAsync("PIF.set_disallow_unplug", pif, false)).Should().Equal("OTHER_OPERATION_IN_PROGRESS", "Cluster", cluster, "enable", "task");
        rig.Delete(cluster);
        await rig.Api.CallAsync("PIF.set_disallow_unplug", pif, false);
        await rig.Api.CallAsync("PIF.unplug", pif);
    }

    [Fact]
    [SeesEffectOf("PIF.set_property", "PIF.set_primary_address_type")]
    public async Task Settings_of_an_interface_are_checked()
    {
        var rig = await NetworkRig.CreateAsync(server);
        var pif = await rig.PifAsync();
        await rig.Api.CallAsync("PIF.set_property", pif, "gro", "off");
        rig.Get(pif).Map("properties")["gro"]!.ToString().Should().Be("off");
        (await rig.Api.ErrorAsync("PIF.set_property", pif, "gro", "maybe")).Should().Equal("INVALID_VALUE", "properties", "gro = maybe");
        (await rig.Api.ErrorAsync("PIF.set_property", pif, "tso", "on")).Should().Equal("INVALID_VALUE", "properties", "tso = on");
        (await rig.ErrorWhileAsync(pif, "physical", false, "PIF.set_property", pif, "gro", "on")).Should().Equal("CANNOT_CHANGE_PIF_PROPERTIES", pif);
        await rig.Api.CallAsync("PIF.set_primary_address_type", pif, "IPv6");
        rig.Get(pif).Text("primary_address_type").Should().Be("IPv6");
        (await rig.Api.ErrorAsync("PIF.set_primary_address_type", rig.ManagementPif, "IPv6")).Should().Equal("PIF_IS_MANAGEMENT_INTERFACE", rig.ManagementPif);
    }

    [Fact]
    [SeesEffectOf("PIF.forget", "PIF.scan", "PIF.introduce")]
    public async Task Hardware_that_was_forgotten_is_found_again()
    {
        var rig = await NetworkRig.CreateAsync(server);
        var pif = await rig.PifAsync("eth7");
        var before = rig.Get(pif);
        await rig.Api.CallAsync("PIF.forget", pif);
        rig.Exists(pif).Should().BeFalse();
        rig.Exists(before.Target("metrics")).Should().BeFalse();

        await rig.Api.CallAsync("PIF.scan", rig.Host);
        var found = rig.All("PIF").Single(p => p.Text("device") == "eth7");
        found.Text("MAC").Should().Be(before.Text("MAC"));
        found.Target("host").Should().Be(rig.Host);
        found.Flag("physical").Should().BeTrue();
        found.Flag("currently_attached").Should().BeFalse();
        rig.Get(found.Target("network")).Text("bridge").Should().Be("xenbr7");
        rig.Exists(found.Target("metrics")).Should().BeTrue();
        var count = rig.All("PIF").Count();
        await rig.Api.CallAsync("PIF.scan", rig.Host);
        rig.All("PIF").Should().HaveCount(count);

        (await rig.Api.ErrorAsync("PIF.introduce", rig.Host, before.Text("MAC"), "eth7")).Should().Equal("DUPLICATE_PIF_DEVICE_NAME", "eth7");
        await rig.Api.CallAsync("PIF.forget", found.Reference);
        const string Unknown = "COULD_NOT_FIND_NETWORK_INTERFACE_WITH_SPECIFIED_DEVICE_NAME_AND_MAC_ADDRESS";
        (await rig.Api.ErrorAsync("PIF.introduce", rig.Host, "02:00:00:00:99:99", "eth7")).Should().Equal(Unknown, "eth7", "02:00:00:00:99:99");
        (await rig.Api.ErrorAsync("PIF.introduce", rig.Host, before.Text("MAC"), "eth77")).Should().Equal(Unknown, "eth77", before.Text("MAC"));
        (await rig.Api.ErrorAsync("PIF.introduce", rig.Host, "no", "eth7")).Should().Equal("MAC_INVALID", "no");
        (await rig.Api.ErrorAsync("PIF.introduce", rig.Host, "", "eth77")).Should().Equal("MAC_INVALID", "");
        var again = rig.Get(await rig.Api.TextAsync("PIF.introduce", rig.Host, "", "eth7", false));
        again.Text("MAC").Should().Be(before.Text("MAC"));
        again.Flag("managed").Should().BeFalse();
    }

    [Fact]
    public async Task An_interface_that_others_stand_on_is_not_forgotten()
    {
        var rig = await NetworkRig.CreateAsync(server);
        (await rig.Api.ErrorAsync("PIF.forget", rig.ManagementPif)).Should().Equal("PIF_IS_MANAGEMENT_INTERFACE", rig.ManagementPif);
        var pif = await rig.PifAsync();
        await RefusedWhileAsync("Bond", "master", "PIF_ALREADY_BONDED");
        await RefusedWhileAsync("VLAN", "tagged_PIF", "PIF_VLAN_STILL_EXISTS");
        await RefusedWhileAsync("tunnel", "transport_PIF", "PIF_TUNNEL_STILL_EXISTS");
        await RefusedWhileAsync("tunnel", "access_PIF", "PIF_TUNNEL_STILL_EXISTS");
        await RefusedWhileAsync("network_sriov", "logical_PIF", "CANNOT_FORGET_SRIOV_LOGICAL");
        await RefusedWhileAsync("network_sriov", "physical_PIF", "PIF_SRIOV_STILL_EXISTS");
        (await rig.ErrorWhileAsync(pif, "VLAN", 4, "PIF.forget", pif)).Should().Equal("PIF_VLAN_STILL_EXISTS", pif);
        var member = rig.Insert("Cluster_host", ("PIF", pif), ("enabled", true));
        (await rig.Api.ErrorAsync("PIF.forget", pif)).Should().Equal("CLUSTERING_ENABLED", member);
        rig.Delete(member);
        await rig.Api.CallAsync("PIF.forget", pif);

        async Task RefusedWhileAsync(string @class, string field, string code)
        {
            var owner = rig.Insert(@class, (field, pif));
            (await rig.Api.ErrorAsync("PIF.forget", pif)).Should().Equal(code, pif);
            rig.Delete(owner);
        }
    }

    [Theory]
    [InlineData("PIF.db_introduce")]
    [InlineData("PIF.pool_introduce")]
    [SeesEffectOf("PIF.db_introduce", "PIF.pool_introduce", "PIF.db_forget")]
    public async Task An_introduced_record_is_as_it_is_given(string call)
    {
        var rig = await NetworkRig.CreateAsync(server);
        var network = await rig.NetworkAsync();
        object?[] arguments =
        [
            "eth30", network, rig.Host, "02:00:00:00:00:30", 1400, -1, false, "Static", "192.0.2.30", "255.255.255.0", "192.0.2.1", "192.0.2.2",
            Records.Null, Records.Null, false, JsonArguments.Map(("a", "b")), true, "Static", JsonArguments.Array(["2001:db8::30/64"]), "2001:db8::1", "IPv6", false,
            JsonArguments.Map(("gro", "off")),
        ];
        var pif = await rig.Api.TextAsync(call, arguments);
        var record = rig.Get(pif);
        foreach (var (field, value) in (ReadOnlySpan<(string, string)>)
        [
            ("device", "eth30"), ("network", network), ("host", rig.Host), ("MAC", "02:00:00:00:00:30"), ("MTU", "1400"), ("VLAN", "-1"), ("physical", "false"),
            ("ip_configuration_mode", "Static"), ("IP", "192.0.2.30"), ("netmask", "255.255.255.0"), ("gateway", "192.0.2.1"), ("DNS", "192.0.2.2"),
            ("management", "false"), ("disallow_unplug", "true"), ("ipv6_configuration_mode", "Static"), ("ipv6_gateway", "2001:db8::1"),
            ("primary_address_type", "IPv6"), ("managed", "false"), ("currently_attached", "false"),
        ])
        {
            record.Text(field).Should().Be(value, field);
        }

        record.Set("IPv6").Should().Equal("2001:db8::30/64");
        record.Map("other_config")["a"]!.ToString().Should().Be("b");
        record.Map("properties")["gro"]!.ToString().Should().Be("off");
        rig.Get(network).Set("PIFs").Should().Equal(pif);
        await rig.Api.CallAsync("PIF.db_forget", pif);
        rig.Exists(pif).Should().BeFalse();
        rig.Get(network).Set("PIFs").Should().BeEmpty();
    }
}
