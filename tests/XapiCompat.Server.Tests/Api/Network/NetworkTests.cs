using FluentAssertions;
using XapiCompat.Server.Tests.Support;
using Xunit;

namespace XapiCompat.Server.Tests.Api.Network;

/// <summary>Networks: made, destroyed, given a purpose, attached to hosts.</summary>
public sealed class NetworkTests(RunningServer server) : IClassFixture<RunningServer>
{
    [Fact]
    [SeesEffectOf("network.create", "network.destroy")]
    public async Task A_network_gets_a_free_bridge_and_goes_with_its_idle_VIFs()
    {
        var rig = await NetworkRig.CreateAsync(server);
        var first = await rig.NetworkAsync("", ("MTU", 0), ("name_label", "office"));
        var second = await rig.NetworkAsync();
        rig.Get(first).Text("name_label").Should().Be("office");
        rig.Get(first).Int("MTU").Should().Be(1500);
        rig.Get(first).Flag("managed").Should().BeTrue();
        rig.Get(first).Text("bridge").Should().MatchRegex("^xapi[0-9]+$").And.NotBe(rig.Get(second).Text("bridge"));
        var named = await rig.NetworkAsync("mybridge", ("managed", false));
        rig.Get(named).Text("bridge").Should().Be("mybridge");
        rig.Get(named).Flag("managed").Should().BeFalse();
        var vif = await rig.VifAsync(await rig.VmAsync(), first);
        await rig.Api.CallAsync("network.destroy", first);
        rig.Exists(first).Should().BeFalse();
        rig.Exists(vif).Should().BeFalse();
        (await rig.Api.ErrorAsync("network.destroy", first)).Should().Equal("HANDLE_INVALID", "network", first);
    }

    [Fact]
    public async Task Bridges_have_names_of_their_own()
    {
        var rig = await NetworkRig.CreateAsync(server);
        await rig.NetworkAsync("br-own");
        (await rig.Api.ErrorAsync("network.create", Arguments("br-own"))).Should().Equal("BRIDGE_NAME_EXISTS", "br-own");
        foreach (var name in (string[])["xenbr7", "xapi100", "vif1", "tap0", "eth0", "sixteen-letters-"])
            (await rig.Api.ErrorAsync("network.create", Arguments(name))).Should().Equal("INVALID_VALUE", "bridge", name);
    }

    [Fact]
    public async Task A_network_in_use_stays()
    {
        var rig = await NetworkRig.CreateAsync(server);
        var network = await rig.NetworkAsync();
        var vif = await rig.VifAsync(await rig.VmAsync("Running"), network);
        var pif = await rig.PifAsync(network: network);
        await rig.Api.CallAsync("VIF.plug", vif);
        (await rig.Api.ErrorAsync("network.destroy", network)).Should().Equal("NETWORK_CONTAINS_VIF", vif);
        await rig.Api.CallAsync("VIF.unplug", vif);
        (await rig.Api.ErrorAsync("network.destroy", network)).Should().Equal("NETWORK_CONTAINS_PIF", pif);
        var own = rig.All("network").First(n => n.Text("bridge") == "xenapi").Reference;
        (await rig.Api.ErrorAsync("network.destroy", own)).Should().Equal("CANNOT_DESTROY_SYSTEM_NETWORK", own);
    }

    [Fact]
    [SeesEffectOf("network.pool_introduce")]
    public async Task An_introduced_network_is_as_it_is_given()
    {
        var rig = await NetworkRig.CreateAsync(server);
        var network = await rig.Api.TextAsync("network.pool_introduce", "joined", "from a host", 9000, JsonArguments.Map(("k", "v")), "xenbr9", false, JsonArguments.Array(["nbd"]));
        var record = rig.Get(network);
        record.Text("name_label").Should().Be("joined");
        record.Text("name_description").Should().Be("from a host");
        record.Int("MTU").Should().Be(9000);
        record.Map("other_config")["k"]!.ToString().Should().Be("v");
        record.Text("bridge").Should().Be("xenbr9");
        record.Flag("managed").Should().BeFalse();
        record.Set("purpose").Should().Equal("nbd");
        await rig.Api.CallAsync("network.destroy", network);
    }

    [Fact]
    [SeesEffectOf("network.add_purpose", "network.remove_purpose")]
    public async Task Disks_are_given_with_TLS_or_without_in_one_pool()
    {
        var rig = await NetworkRig.CreateAsync(server);
        var first = await rig.NetworkAsync();
        var second = await rig.NetworkAsync();
        await rig.Api.CallAsync("network.add_purpose", first, "nbd");
        await rig.Api.CallAsync("network.add_purpose", first, "nbd");
        (await rig.Api.ListAsync("network.get_purpose", first)).Should().Equal("nbd");
        foreach (var network in (string[])[first, second])
            (await rig.Api.ErrorAsync("network.add_purpose", network, "insecure_nbd")).Should().Equal("NETWORK_INCOMPATIBLE_PURPOSES", "insecure_nbd", "nbd");
        await rig.Api.CallAsync("network.remove_purpose", first, "nbd");
        await rig.Api.CallAsync("network.remove_purpose", first, "nbd");
        (await rig.Api.ListAsync("network.get_purpose", first)).Should().BeEmpty();
        await rig.Api.CallAsync("network.add_purpose", second, "insecure_nbd");
        (await rig.Api.ErrorAsync("network.add_purpose", first, "nbd")).Should().Equal("NETWORK_INCOMPATIBLE_PURPOSES", "nbd", "insecure_nbd");
        await rig.Api.CallAsync("network.remove_purpose", second, "insecure_nbd");
        (await rig.ErrorWhileAsync(first, "managed", false, "network.add_purpose", first, "nbd")).Should().Equal("NETWORK_UNMANAGED", first);
    }

    [Fact]
    [SeesEffectOf("network.set_default_locking_mode")]
    public async Task The_default_mode_changes_while_nobody_is_connected()
    {
        var rig = await NetworkRig.CreateAsync(server);
        var network = await rig.NetworkAsync();
        var vif = await rig.VifAsync(await rig.VmAsync("Running"), network);
        await rig.Api.CallAsync("network.set_default_locking_mode", network, "disabled");
        rig.Get(network).Text("default_locking_mode").Should().Be("disabled");
        await rig.Api.CallAsync("VIF.plug", vif);
        (await rig.Api.ErrorAsync("network.set_default_locking_mode", network, "unlocked")).Should().Equal("VIF_IN_USE", network, vif);
    }

    [Fact]
    [SeesEffectOf("network.attach")]
    public async Task An_attached_network_has_its_interface_up()
    {
        var rig = await NetworkRig.CreateAsync(server);
        var network = await rig.NetworkAsync("", ("MTU", 9000));
        var pif = await rig.PifAsync(network: network);
        rig.Set(pif, "currently_attached", false);
        await rig.Api.CallAsync("network.attach", network, rig.Host);
        rig.Get(pif).Flag("currently_attached").Should().BeTrue();
        rig.Get(pif).Int("MTU").Should().Be(9000);
        var bond = rig.Insert("Bond", ("master", pif));
        (await rig.ErrorWhileAsync(pif, "bond_slave_of", bond, "network.attach", network, rig.Host)).Should().Equal("CANNOT_PLUG_BOND_SLAVE", pif);
        rig.Delete(bond);
        var foreign = await rig.NetworkAsync("foreign", ("managed", false));
        (await rig.Api.ErrorAsync("network.attach", foreign, rig.Host)).Should().Equal("BRIDGE_NOT_AVAILABLE", "foreign");
    }

    [Fact]
    [SeesEffectOf("network.attach_for_vm", "network.detach_for_vm")]
    public async Task A_VM_gets_its_networks_an_address_and_its_proxy()
    {
        var rig = await NetworkRig.CreateAsync(server);
        var network = await rig.NetworkAsync();
        var pif = await rig.PifAsync(network: network);
        rig.Set(pif, "currently_attached", false);
        var management = rig.All("network").First(n => n.Text("bridge") == "xenapi").Reference;
        var vm = await rig.VmAsync();
        var first = await rig.VifAsync(vm, network);
        var second = await rig.VifAsync(vm, management, "1");
        var other = await rig.VmAsync();
        var third = await rig.VifAsync(other, management);
        var site = rig.Insert("PVS_site");
        rig.Insert("PVS_server", ("site", site));
        rig.Insert("PVS_cache_storage", ("site", site), ("host", rig.Host));
        var proxy = rig.Insert("PVS_proxy", ("site", site), ("VIF", first));

        await rig.Api.CallAsync("network.attach_for_vm", rig.Host, vm);
        await rig.Api.CallAsync("network.attach_for_vm", rig.Host, other);
        rig.Get(pif).Flag("currently_attached").Should().BeTrue();
        var leases = rig.Get(management).Map("assigned_ips");
        leases[second]!.ToString().Should().Be("169.254.0.2");
        leases[third]!.ToString().Should().Be("169.254.0.3");
        rig.Get(proxy).Flag("currently_attached").Should().BeTrue();
        rig.Get(proxy).Text("status").Should().Be("initialised");
        await rig.Api.CallAsync("network.detach_for_vm", rig.Host, vm);
        rig.Get(proxy).Flag("currently_attached").Should().BeFalse();
        rig.Get(proxy).Text("status").Should().Be("stopped");
        rig.Get(management).Map("assigned_ips")[second]!.ToString().Should().Be("169.254.0.2", "a VM keeps its address");
    }

    [Fact]
    public async Task A_VM_that_starts_brings_its_networks_up()
    {
        var rig = await NetworkRig.CreateAsync(server);
        var network = await rig.NetworkAsync();
        var pif = await rig.PifAsync(network: network);
        rig.Set(pif, "currently_attached", false);
        var management = rig.All("network").First(n => n.Text("bridge") == "xenapi").Reference;
        var vm = await rig.VmAsync();
        var first = await rig.VifAsync(vm, network);
        var second = await rig.VifAsync(vm, management, "1");
        await rig.Api.CallAsync("VM.start", vm, false, false);
        rig.Get(pif).Flag("currently_attached").Should().BeTrue();
        rig.Get(management).Map("assigned_ips").Contains(second).Should().BeTrue();
        (await rig.Api.ErrorAsync("PIF.unplug", pif)).Should().Equal("VIF_IN_USE", network, first);
        await rig.Api.CallAsync("VM.hard_shutdown", vm);
        await rig.Api.CallAsync("PIF.unplug", pif);
        rig.Get(pif).Flag("currently_attached").Should().BeFalse();
    }

    private static object Arguments(string bridge) => JsonArguments.Map(("name_label", "net"), ("bridge", bridge), ("other_config", JsonArguments.Map()));
}
