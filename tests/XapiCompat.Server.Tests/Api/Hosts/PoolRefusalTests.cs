using FluentAssertions;
using XapiCompat.Server.Tests.Support;
using Xunit;

namespace XapiCompat.Server.Tests.Api.Hosts;

/// <summary>Calls that real clients make and that a pool without the feature refuses, with code and parameters.</summary>
public sealed class PoolRefusalTests(RunningServer server) : IClassFixture<RunningServer>
{
    [Fact]
    public async Task High_availability_and_joining_are_refused_as_by_a_pool_without_them()
    {
        var client = await server.LoginAsync();
        (await client.ErrorAsync("pool.enable_ha", JsonArguments.Array([]), JsonArguments.Map())).Should().Equal("CANNOT_CREATE_STATE_FILE");
        (await client.ErrorAsync("pool.disable_ha")).Should().Equal("HA_NOT_ENABLED");
        (await client.ErrorAsync("pool.join", "192.0.2.1", "root", "secret")).Should().Equal("CANNOT_CONTACT_HOST", "192.0.2.1");
        (await client.ErrorAsync("pool.join_force", "192.0.2.1", "root", "secret")).Should().Equal("CANNOT_CONTACT_HOST", "192.0.2.1");
        var task = await client.FinishedTaskAsync("Async.pool.enable_ha", JsonArguments.Array([]), JsonArguments.Map());
        task["status"]!.GetValue<string>().Should().Be("failure");
        task["error_info"]!.AsArray().Select(i => i!.GetValue<string>()).Should().Equal("CANNOT_CREATE_STATE_FILE");
        (await client.FlagAsync("pool.get_ha_enabled", (await client.ListAsync("pool.get_all"))[0])).Should().BeFalse();
    }

    [Fact]
    public async Task Outside_servers_are_never_called()
    {
        var client = await server.LoginAsync();
        var host = (await client.ListAsync("host.get_all"))[0];
        var pool = (await client.ListAsync("pool.get_all"))[0];
        (await client.ErrorAsync("pool.send_test_post", "192.0.2.1", 443, "body")).Should().Equal("TLS_CONNECTION_FAILED", "192.0.2.1", "443");
        (await client.ErrorAsync("host.enable_external_auth", host, JsonArguments.Map(), "example", "AD")).Should().Equal("AUTH_UNKNOWN_TYPE", "AD");
        (await client.ErrorAsync("pool.enable_external_auth", pool, JsonArguments.Map(), "example", "AD")).Should().Equal("AUTH_UNKNOWN_TYPE", "AD");
        (await client.ErrorAsync("pool.initialize_wlb", "http://192.0.2.1", "u", "p", "u", "p")).Should().Equal("WLB_CONNECTION_REFUSED");
        (await client.ErrorAsync("pool.retrieve_wlb_recommendations")).Should().Equal("WLB_NOT_INITIALIZED");
        (await client.ErrorAsync("host.bugreport_upload", host, "http://192.0.2.1", JsonArguments.Map())).Should().HaveElementAt(0, "SYSTEM_STATUS_RETRIEVAL_FAILED");
    }
}
