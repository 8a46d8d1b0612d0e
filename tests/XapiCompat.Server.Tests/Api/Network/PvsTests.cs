using System.Text.Json.Nodes;
using FluentAssertions;
using XapiCompat.Server.Tests.Support;
using XapiCompat.Values;
using Xunit;

namespace XapiCompat.Server.Tests.Api.Network;

/// <summary>Sites, servers and proxies of PVS.</summary>
public sealed class PvsTests(RunningServer server) : IClassFixture<RunningServer>
{
    [Fact]
    [SeesEffectOf("PVS_site.introduce", "PVS_site.forget", "PVS_site.set_PVS_uuid")]
    public async Task A_site_is_forgotten_when_nothing_is_left_in_it()
    {
        var rig = await NetworkRig.CreateAsync(server);
        var site = await rig.Api.TextAsync("PVS_site.introduce", "farm", "of disks", "pvs-1");
        rig.Get(site).Text("name_label").Should().Be("farm");
        rig.Get(site).Text("PVS_uuid").Should().Be("pvs-1");
        await rig.Api.CallAsync("PVS_site.set_PVS_uuid", site, "pvs-2");
        rig.Get(site).Text("PVS_uuid").Should().Be("pvs-2");
        var proxy = rig.Insert("PVS_proxy", ("site", site), ("currently_attached", true));
        (await rig.Api.ErrorAsync("PVS_site.forget", site)).Should().Equal("PVS_SITE_CONTAINS_RUNNING_PROXIES", proxy);
        (await rig.Api.ErrorAsync("PVS_site.set_PVS_uuid", site, "pvs-3")).Should().Equal("PVS_SITE_CONTAINS_RUNNING_PROXIES", proxy);
        rig.Set(proxy, "currently_attached", false);
        var one = rig.Insert("PVS_server", ("site", site));
        (await rig.Api.ErrorAsync("PVS_site.forget", site)).Should().Equal("PVS_SITE_CONTAINS_SERVERS", one);
        rig.Delete(one);
        var storage = rig.Insert("PVS_cache_storage", ("site", site));
        await rig.Api.CallAsync("PVS_site.forget", site);
        rig.Exists(site).Should().BeFalse();
        rig.Exists(storage).Should().BeFalse();
        (await rig.ErrorWhileAsync(rig.Pool, "restrictions", XenStruct.Of(("restrict_pvs_proxy", "true")), "PVS_site.introduce", "a", "b", "c"))
            .Should().Equal("LICENCE_RESTRICTION", "PVS_proxy");
        (await rig.ErrorWhileAsync(rig.Host, "software_version", XenStruct.Empty, "PVS_site.introduce", "a", "b", "c")).Should().Equal("OPENVSWITCH_NOT_ACTIVE");
    }

    [Fact]
    [SeesEffectOf("PVS_server.introduce", "PVS_server.forget")]
    public async Task A_server_has_addresses_of_its_own()
    {
        var rig = await NetworkRig.CreateAsync(server);
        var site = await rig.Api.TextAsync("PVS_site.introduce", "farm", "", "");
        object addresses = JsonArguments.Array(["192.0.2.30", "2001:db8::30", "192.0.2.30"]);
        var one = await rig.Api.TextAsync("PVS_server.introduce", addresses, 6910, 6930, site);
        rig.Get(one).Set("addresses").Should().BeEquivalentTo("192.0.2.30", "2001:db8::30");
        rig.Get(one).Int("first_port").Should().Be(6910);
        rig.Get(site).Set("servers").Should().Equal(one);
        (await rig.Api.ErrorAsync("PVS_server.introduce", JsonArguments.Array(["192.0.2.31", "2001:db8::30"]), 1, 2, site)).Should().Equal("PVS_SERVER_ADDRESS_IN_USE", "2001:db8::30");
        object fresh = JsonArguments.Array(["192.0.2.32"]);
        (await rig.Api.ErrorAsync("PVS_server.introduce", JsonArguments.Array(["x"]), 1, 2, site)).Should().Equal("INVALID_IP_ADDRESS_SPECIFIED", "addresses");
        (await rig.Api.ErrorAsync("PVS_server.introduce", fresh, 0, 2, site)).Should().Equal("VALUE_NOT_SUPPORTED", "first_port", "0", "a port is 1 to 65535");
        (await rig.Api.ErrorAsync("PVS_server.introduce", fresh, 1, 70000, site)).Should().Equal("VALUE_NOT_SUPPORTED", "last_port", "70000", "a port is 1 to 65535");
        (await rig.Api.ErrorAsync("PVS_server.introduce", fresh, 9, 8, site)).Should().Equal("VALUE_NOT_SUPPORTED", "last_port", "8", "the range ends before it begins");
        (await rig.Api.ErrorAsync("PVS_server.introduce", fresh, 8, 9, SampleValues.Nowhere)).Should().Equal("INVALID_VALUE", "site", SampleValues.Nowhere);
        await rig.Api.CallAsync("PVS_server.forget", one);
        rig.Exists(one).Should().BeFalse();
        rig.Get(site).Set("servers").Should().BeEmpty();
    }

    [Fact]
    [SeesEffectOf("PVS_proxy.create", "PVS_proxy.destroy")]
    public async Task A_proxy_serves_the_first_interface()
    {
        var rig = await NetworkRig.CreateAsync(server);
        var site = await rig.Api.TextAsync("PVS_site.introduce", "farm", "", "");
        await rig.Api.TextAsync("PVS_server.introduce", JsonArguments.Array(["192.0.2.40"]), 1, 2, site);
        rig.Insert("PVS_cache_storage", ("site", site), ("host", rig.Host));
        var vm = await rig.VmAsync("Running");
        var network = await rig.NetworkAsync();
        var first = await rig.VifAsync(vm, network);
        var second = await rig.VifAsync(vm, network, "1");
        (await rig.Api.ErrorAsync("PVS_proxy.create", site, second)).Should().Equal("PVS_VIF_MUST_BE_FIRST_DEVICE");
        (await rig.Api.ErrorAsync("PVS_proxy.create", SampleValues.Nowhere, first)).Should().Equal("INVALID_VALUE", "site", SampleValues.Nowhere);
        (await rig.Api.ErrorAsync("PVS_proxy.create", site, SampleValues.Nowhere)).Should().Equal("INVALID_VALUE", "VIF", SampleValues.Nowhere);
        var proxy = await rig.Api.TextAsync("PVS_proxy.create", site, first);
        rig.Get(proxy).Target("VIF").Should().Be(first);
        rig.Get(proxy).Text("status").Should().Be("stopped");
        rig.Get(site).Set("proxies").Should().Equal(proxy);
        (await rig.Api.ErrorAsync("PVS_proxy.create", site, first)).Should().Equal("PVS_PROXY_ALREADY_PRESENT", proxy);
        await rig.Api.CallAsync("VIF.plug", first);
        rig.Get(proxy).Text("status").Should().Be("initialised");
        await rig.Api.CallAsync("PVS_proxy.destroy", proxy);
        rig.Exists(proxy).Should().BeFalse();
        rig.Get(await rig.Api.TextAsync("PVS_proxy.create", site, first)).Flag("currently_attached").Should().BeTrue("its interface is plugged");
    }

    [Fact]
    [SeesEffectOf("PVS_cache_storage.create", "PVS_cache_storage.destroy")]
    public async Task A_site_has_one_cache_on_each_host()
    {
        var rig = await NetworkRig.CreateAsync(server);
        var site = await rig.Api.TextAsync("PVS_site.introduce", "farm", "", "");
        var sr = rig.Get(rig.Pool).Target("default_SR");
        object cache = JsonArguments.Map(("host", rig.Host), ("SR", sr), ("site", site), ("size", 8 * Records.MiB));
        var storage = rig.Get(await rig.Api.TextAsync("PVS_cache_storage.create", cache));
        var vdi = rig.Get(storage.Target("VDI"));
        vdi.Text("type").Should().Be("pvs_cache");
        vdi.Int("virtual_size").Should().Be(8 * Records.MiB);
        rig.Get(site).Set("cache_storage").Should().Equal(storage.Reference);
        (await rig.Api.ErrorAsync("PVS_cache_storage.create", cache)).Should().Equal("PVS_CACHE_STORAGE_ALREADY_PRESENT", site, rig.Host);
        rig.Get(sr).Set("VDIs").Select(rig.Get).Count(v => v.Text("type") == "pvs_cache").Should().Be(1);
        (await rig.Api.ErrorAsync("PVS_cache_storage.create", Replaced(cache, "host", SampleValues.Nowhere))).Should().Equal("INVALID_VALUE", "host", SampleValues.Nowhere);
        (await rig.Api.ErrorAsync("PVS_cache_storage.create", Replaced(cache, "SR", SampleValues.Nowhere))).Should().Equal("INVALID_VALUE", "SR", SampleValues.Nowhere);

        var vif = await rig.VifAsync(await rig.VmAsync("Running"), await rig.NetworkAsync());
        var proxy = rig.Insert("PVS_proxy", ("site", site), ("VIF", vif), ("currently_attached", true));
        (await rig.Api.ErrorAsync("PVS_cache_storage.destroy", storage.Reference)).Should().Equal("PVS_CACHE_STORAGE_IS_IN_USE", storage.Reference);
        await rig.Api.CallAsync("VIF.destroy", vif);
        rig.Exists(proxy).Should().BeFalse("a proxy goes with its interface");
        await rig.Api.CallAsync("PVS_cache_storage.destroy", storage.Reference);
        rig.Exists(storage.Reference).Should().BeFalse();
        rig.Exists(vdi.Reference).Should().BeFalse();

        storage = rig.Get(await rig.Api.TextAsync("PVS_cache_storage.create", cache));
        await rig.Api.CallAsync("PVS_site.forget", site);
        rig.Exists(storage.Reference).Should().BeFalse();
        rig.Exists(storage.Target("VDI")).Should().BeFalse();
    }

    [Fact]
    public async Task A_clone_has_a_proxy_of_its_own()
    {
        var rig = await NetworkRig.CreateAsync(server);
        var site = await rig.Api.TextAsync("PVS_site.introduce", "farm", "", "");
        var vm = await rig.VmAsync();
        var proxy = await rig.Api.TextAsync("PVS_proxy.create", site, await rig.VifAsync(vm, await rig.NetworkAsync()));
        var clone = await rig.Api.TextAsync("VM.clone", vm, "second");
        var vif = rig.Get(clone).Set("VIFs").Single();
        rig.Get(site).Set("proxies").Should().HaveCount(2).And.Contain(proxy);
        rig.All("PVS_proxy").Should().ContainSingle(p => p.Target("VIF") == vif).Which.Target("site").Should().Be(site);
    }

    private static JsonObject Replaced(object record, string field, string value)
    {
        var copy = (JsonObject)((JsonObject)record).DeepClone();
        copy[field] = value;
        return copy;
    }
}
