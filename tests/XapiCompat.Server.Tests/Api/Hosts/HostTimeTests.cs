using FluentAssertions;
using XapiCompat.Server.Tests.Support;
using Xunit;

namespace XapiCompat.Server.Tests.Api.Hosts;

/// <summary>A host has a clock of its own, in a time zone of its own.</summary>
public sealed class HostTimeTests(RunningServer server) : IClassFixture<RunningServer>
{
    [Fact]
    [SeesEffectOf("host.get_servertime", "host.get_server_localtime", "host.set_servertime", "host.set_timezone", "host.list_timezones")]
    public async Task The_clock_and_its_zone_can_be_set()
    {
        var (client, host) = await PrepareAsync();
        (await client.TextAsync("host.get_servertime", host)).Should().MatchRegex("^20[0-9]{6}T[0-9:]{8}Z$");
        await client.CallAsync("host.set_ntp_mode", host, "Factory");
        (await client.ErrorAsync("host.set_servertime", host, "20300102T03:04:05Z")).Should().Equal("NOT_ALLOWED_WHEN_NTP_IS_ENABLED", host);
        await client.CallAsync("host.set_ntp_mode", host, "Disabled");
        await client.CallAsync("host.set_servertime", host, "20300102T03:04:05Z");
        (await client.TextAsync("host.get_servertime", host)).Should().StartWith("20300102T03:");
        (await client.ErrorAsync("host.set_servertime", host, "20300102T03:04:05")).Should().HaveElementAt(0, "INTERNAL_ERROR");

        (await client.ListAsync("host.list_timezones", host)).Should().Contain(["UTC", "Europe/London", "Asia/Tokyo"]).And.OnlyHaveUniqueItems();
        (await client.ErrorAsync("host.set_timezone", host, "Nowhere/Town")).Should().Equal("INVALID_VALUE", "timezone", "Nowhere/Town");
        await client.CallAsync("host.set_timezone", host, "Asia/Tokyo");
        (await client.TextAsync("host.get_timezone", host)).Should().Be("Asia/Tokyo");
        (await client.TextAsync("host.get_server_localtime", host)).Should().MatchRegex("^20300102T12:[0-9:]{5}$", "local times carry no zone");
    }

    [Fact]
    [SeesEffectOf("host.set_ntp_mode", "host.set_ntp_custom_servers", "host.get_ntp_servers_status", "host.get_ntp_synchronized")]
    public async Task Time_servers_follow_the_mode()
    {
        var (client, host) = await PrepareAsync();
        await client.CallAsync("host.set_ntp_mode", host, "Factory");
        await client.CallAsync("host.set_ntp_custom_servers", host, JsonArguments.Array([]));
        (await client.ErrorAsync("host.set_ntp_mode", host, "Custom")).Should().HaveElementAt(0, "INVALID_NTP_CONFIG");
        await client.CallAsync("host.set_ntp_custom_servers", host, JsonArguments.Array(["a.example", "b.example"]));
        (await client.CallAsync("host.get_ntp_servers_status", host)).AsObject().Should().HaveCount(4);
        await client.CallAsync("host.set_ntp_mode", host, "Custom");
        (await client.TextAsync("host.get_ntp_mode", host)).Should().Be("Custom");
        (await client.CallAsync("host.get_ntp_servers_status", host)).AsObject().Select(p => p.Key).Should().Equal("a.example", "b.example");
        (await client.FlagAsync("host.get_ntp_synchronized", host)).Should().BeTrue();
        (await client.ErrorAsync("host.set_ntp_custom_servers", host, JsonArguments.Array([]))).Should().HaveElementAt(0, "INVALID_NTP_CONFIG");
        await client.CallAsync("host.set_ntp_mode", host, "Disabled");
        (await client.CallAsync("host.get_ntp_servers_status", host)).AsObject().Should().BeEmpty();
        (await client.FlagAsync("host.get_ntp_synchronized", host)).Should().BeFalse();
    }

    private async Task<(XenClient Client, string Host)> PrepareAsync()
    {
        var client = await server.LoginAsync();
        return (client, (await client.ListAsync("host.get_all"))[0]);
    }
}
