using System.Globalization;
using FluentAssertions;
using XapiCompat.Core.Services;
using XapiCompat.Server.Tests.Support;
using Xunit;

namespace XapiCompat.Server.Tests.Api.Hosts;

/// <summary>SSH is on, off or on for a time; the pool's messages do the same to every host.</summary>
public sealed class SshTests(RunningServer server) : IClassFixture<RunningServer>
{
    [Theory]
    [InlineData("host")]
    [InlineData("pool")]
    [SeesEffectOf("host.enable_ssh", "host.disable_ssh", "host.set_ssh_enabled_timeout", "host.set_ssh_auto_mode", "host.set_console_idle_timeout")]
    [SeesEffectOf("pool.enable_ssh", "pool.disable_ssh", "pool.set_ssh_enabled_timeout", "pool.set_ssh_auto_mode", "pool.set_console_idle_timeout")]
    public async Task Access_is_on_off_or_on_for_a_time(string @class)
    {
        var client = await server.LoginAsync();
        var host = (await client.ListAsync("host.get_all"))[0];
        var self = (await client.ListAsync(@class + ".get_all"))[0];
        await client.CallAsync(@class + ".disable_ssh", self);
        (await client.FlagAsync("host.get_ssh_enabled", host)).Should().BeFalse();
        (await client.TextAsync("host.get_ssh_expiry", host)).Should().StartWith("20");

        await client.CallAsync(@class + ".set_ssh_auto_mode", self, true);
        (await client.FlagAsync("host.get_ssh_auto_mode", host)).Should().BeTrue();
        await client.CallAsync(@class + ".set_ssh_enabled_timeout", self, 3600);
        (await client.CallAsync("host.get_ssh_enabled_timeout", host)).GetValue<long>().Should().Be(3600);
        await client.CallAsync(@class + ".enable_ssh", self);
        (await client.FlagAsync("host.get_ssh_enabled", host)).Should().BeTrue();
        (await client.FlagAsync("host.get_ssh_auto_mode", host)).Should().BeFalse("it was switched on by hand");
        var expiry = DateTimeOffset.ParseExact(await client.TextAsync("host.get_ssh_expiry", host), "yyyyMMdd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal);
        expiry.Should().BeAfter(DateTimeOffset.UtcNow.AddMinutes(30));
        await client.CallAsync(@class + ".set_ssh_enabled_timeout", self, 0);
        (await client.TextAsync("host.get_ssh_expiry", host)).Should().Be(Records.Never);
        (await client.ErrorAsync(@class + ".set_ssh_enabled_timeout", self, 172801)).Should().Equal("INVALID_VALUE", "ssh_enabled_timeout", "172801");

        await client.CallAsync(@class + ".set_console_idle_timeout", self, 900);
        (await client.CallAsync("host.get_console_idle_timeout", host)).GetValue<long>().Should().Be(900);
        (await client.ErrorAsync(@class + ".set_console_idle_timeout", self, -1)).Should().Equal("INVALID_VALUE", "console_timeout", "-1");
    }

    [Fact]
    public async Task Access_ends_by_itself()
    {
        var client = await server.LoginAsync();
        var host = (await client.ListAsync("host.get_all"))[0];
        await client.CallAsync("host.set_ssh_enabled_timeout", host, 1);
        await client.CallAsync("host.enable_ssh", host);
        using var cap = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        while (await client.FlagAsync("host.get_ssh_enabled", host))
            await Task.Delay(20, cap.Token);
    }

    [Fact]
    public void An_interrupted_end_happens_after_a_restart()
    {
        var store = server.Host.Records;
        var host = PoolHosts.Hosts(store.Current)[0].Reference;
        store.Commit(unit =>
        {
            unit.Set(host, "ssh_enabled", true);
            unit.Set(host, "ssh_enabled_timeout", 60);
            unit.Set(host, "ssh_expiry", XapiCompat.Values.XenDate.Format(DateTimeOffset.UtcNow.AddMinutes(-1)));
        });
        using var ssh = new SshAccess(store, TimeProvider.System);
        ssh.Resume();
        SpinWait.SpinUntil(() => !store.Current.Find(host)!.Flag("ssh_enabled"), TimeSpan.FromSeconds(60)).Should().BeTrue();
    }
}
