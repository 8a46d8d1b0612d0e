using FluentAssertions;
using XapiCompat.Server.Tests.Support;
using Xunit;

namespace XapiCompat.Server.Tests.Api.Hosts;

/// <summary>Editions, licence parameters and local caching of hosts and of the pool.</summary>
public sealed class LicenseAndCacheTests(RunningServer server) : IClassFixture<RunningServer>
{
    [Fact]
    [SeesEffectOf("host.apply_edition", "host.license_remove", "pool.apply_edition", "pool.get_license_state")]
    public async Task A_host_takes_the_editions_that_it_lists()
    {
        var (client, host, pool) = await PrepareAsync();
        server.Host.Records.Commit(unit => unit.Set(host, "editions", XapiCompat.Values.XenArray.Of(["xcp-ng", "free", "premium"])));
        await client.CallAsync("host.apply_edition", host, "premium");
        (await client.TextAsync("host.get_edition", host)).Should().Be("premium");
        (await client.CallAsync("pool.get_license_state", pool))["edition"]!.GetValue<string>().Should().Be("premium");
        (await client.CallAsync("pool.get_license_state", pool))["expiry"]!.GetValue<string>().Should().Be("20991231T00:00:00Z");
        (await client.ErrorAsync("host.apply_edition", host, "none such")).Should().Equal("INVALID_EDITION", "none such");
        await client.CallAsync("pool.apply_edition", pool, "free");
        (await client.TextAsync("host.get_edition", host)).Should().Be("free");
        await client.CallAsync("host.license_remove", host);
        (await client.TextAsync("host.get_edition", host)).Should().Be("xcp-ng");
    }

    [Fact]
    [SeesEffectOf("host.set_license_params")]
    public async Task Restrictions_of_a_host_restrict_the_pool()
    {
        var (client, host, pool) = await PrepareAsync();
        var before = await client.CallAsync("host.get_license_params", host);
        var changed = before.DeepClone().AsObject();
        changed["restrict_vtpm"] = "true";
        await client.CallAsync("host.set_license_params", host, changed);
        (await client.CallAsync("pool.get_restrictions", pool))["restrict_vtpm"]!.GetValue<string>().Should().Be("true");
        await client.CallAsync("host.set_license_params", host, before);
        (await client.CallAsync("pool.get_restrictions", pool))["restrict_vtpm"]!.GetValue<string>().Should().Be("false");
    }

    [Fact]
    [SeesEffectOf("host.enable_local_storage_caching", "host.disable_local_storage_caching", "pool.enable_local_storage_caching", "pool.disable_local_storage_caching")]
    public async Task A_disabled_host_caches_on_its_own_SR()
    {
        var (client, host, pool) = await PrepareAsync();
        var sr = await client.TextAsync("pool.get_default_SR", pool);
        (await client.ErrorAsync("host.enable_local_storage_caching", host, sr)).Should().Equal("HOST_NOT_DISABLED");
        (await client.ErrorAsync("pool.enable_local_storage_caching", pool)).Should().Equal("HOSTS_FAILED_TO_ENABLE_CACHING", host);
        await client.CallAsync("host.disable", host);
        foreach (var @class in (string[])["host", "pool"])
        {
            await client.CallAsync(@class + ".enable_local_storage_caching", @class == "host" ? [host, sr] : [pool]);
            (await client.TextAsync("host.get_local_cache_sr", host)).Should().Be(sr);
            (await client.FlagAsync("SR.get_local_cache_enabled", sr)).Should().BeTrue();
            await client.CallAsync(@class + ".disable_local_storage_caching", @class == "host" ? host : pool);
            (await client.TextAsync("host.get_local_cache_sr", host)).Should().Be(Records.Null);
            (await client.FlagAsync("SR.get_local_cache_enabled", sr)).Should().BeFalse();
        }

        var shared = server.Host.Records.Current.All(server.Host.Records.Model.Class("SR")).First(s => s.Text("type") == "iso" || s.Text("type") == "udev").Reference;
        (await client.ErrorAsync("host.enable_local_storage_caching", host, shared)).Should().Equal("SR_OPERATION_NOT_SUPPORTED");
        await client.CallAsync("host.enable", host);
        (await client.ErrorAsync("pool.disable_local_storage_caching", pool)).Should().Equal("HOSTS_FAILED_TO_DISABLE_CACHING", host);
    }

    private async Task<(XenClient Client, string Host, string Pool)> PrepareAsync()
    {
        var client = await server.LoginAsync();
        return (client, (await client.ListAsync("host.get_all"))[0], (await client.ListAsync("pool.get_all"))[0]);
    }
}
