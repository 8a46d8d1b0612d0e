using FluentAssertions;
using XapiCompat.Server.Tests.Support;
using Xunit;

namespace XapiCompat.Server.Tests.Api.Hosts;

/// <summary>A host is disabled before it goes down; what it allows follows.</summary>
public sealed class HostPowerTests(RunningServer server) : IClassFixture<RunningServer>
{
    [Fact]
    [SeesEffectOf("host.disable", "host.enable")]
    public async Task Disabling_allows_going_down_and_enabling_forbids_it()
    {
        var (client, host) = await PrepareAsync();
        (await client.ListAsync("host.get_allowed_operations", host)).Should()
            .BeEquivalentTo("provision", "evacuate", "vm_start", "vm_resume", "vm_migrate", "enable");
        (await client.ErrorAsync("host.reboot", host)).Should().Equal("HOST_NOT_DISABLED");
        (await client.ErrorAsync("host.shutdown", host)).Should().Equal("HOST_NOT_DISABLED");
        await client.CallAsync("host.disable", host);
        (await client.FlagAsync("host.get_enabled", host)).Should().BeFalse();
        (await client.ListAsync("host.get_allowed_operations", host)).Should().Contain(["reboot", "shutdown", "apply_updates"]);
        await client.CallAsync("host.enable", host);
        (await client.FlagAsync("host.get_enabled", host)).Should().BeTrue();
        (await client.ListAsync("host.get_allowed_operations", host)).Should().NotContain("reboot");
    }

    [Fact]
    [SeesEffectOf("host.reboot")]
    public async Task A_reboot_sets_the_boot_times_and_what_waited_for_it()
    {
        var (client, host) = await PrepareAsync();
        await OldTimesAsync(client, host);
        (await client.TextAsync("host.disable_display", host)).Should().Be("disable_on_reboot");
        await client.CallAsync("host.disable", host);
        var task = await client.FinishedTaskAsync("Async.host.reboot", host);
        task["status"]!.GetValue<string>().Should().Be("success");
        var record = await client.RecordAsync("host", host);
        record["enabled"]!.GetValue<bool>().Should().BeTrue();
        record["current_operations"]!.AsObject().Should().BeEmpty();
        record["display"]!.GetValue<string>().Should().Be("disabled");
        record["other_config"]!["boot_time"]!.GetValue<string>().Should().MatchRegex(@"^1[0-9]{9}\.$");
        record["other_config"]!["agent_start_time"]!.GetValue<string>().Should().MatchRegex(@"^1[0-9]{9}\.$");
        (await client.FlagAsync("host_metrics.get_live", record["metrics"]!.GetValue<string>())).Should().BeTrue();
    }

    [Fact]
    [SeesEffectOf("host.shutdown", "host.power_on", "host.set_power_on_mode")]
    public async Task A_host_that_was_shut_down_is_switched_on_again()
    {
        var (client, host) = await PrepareAsync();
        var metrics = await client.TextAsync("host.get_metrics", host);
        await client.CallAsync("host.set_power_on_mode", host, "", JsonArguments.Map());
        (await client.ErrorAsync("host.power_on", host)).Should().Equal("HOST_IS_LIVE", host);
        await client.CallAsync("host.disable", host);
        await client.CallAsync("host.shutdown", host);
        (await client.FlagAsync("host_metrics.get_live", metrics)).Should().BeFalse();
        (await client.ErrorAsync("host.power_on", host)).Should().Equal("HOST_POWER_ON_MODE_DISABLED");
        var secret = await client.TextAsync("secret.create", JsonArguments.Map(("value", "hidden"), ("other_config", JsonArguments.Map())));
        var uuid = await client.TextAsync("secret.get_uuid", secret);
        await client.CallAsync("host.set_power_on_mode", host, "IPMI", JsonArguments.Map(("power_on_password_secret", uuid)));
        (await client.TextAsync("host.get_power_on_mode", host)).Should().Be("IPMI");
        (await client.CallAsync("host.get_power_on_config", host))["power_on_password_secret"]!.GetValue<string>().Should().Be(uuid);
        (await client.ListAsync("host.get_allowed_operations", host)).Should().Contain("power_on");
        await client.CallAsync("host.power_on", host);
        (await client.FlagAsync("host_metrics.get_live", metrics)).Should().BeTrue();
        (await client.FlagAsync("host.get_enabled", host)).Should().BeTrue();
        await client.CallAsync("host.set_power_on_mode", host, "wake-on-lan", JsonArguments.Map());
        (await client.ErrorAsync("secret.get_uuid", secret)).Should().Equal("HANDLE_INVALID", "secret", secret);
    }

    [Fact]
    public async Task A_host_disabled_for_good_stays_disabled_over_a_reboot()
    {
        var (client, host) = await PrepareAsync();
        await client.CallAsync("host.disable", host, false);
        await client.CallAsync("host.reboot", host);
        (await client.FlagAsync("host.get_enabled", host)).Should().BeFalse();
        await client.CallAsync("host.enable", host);
        await client.CallAsync("host.disable", host);
        await client.CallAsync("host.reboot", host);
        (await client.FlagAsync("host.get_enabled", host)).Should().BeTrue();
    }

    [Theory]
    [InlineData("host.reboot")]
    [InlineData("host.shutdown")]
    public async Task VMs_are_shut_down_with_their_host(string call)
    {
        var (client, host) = await PrepareAsync();
        var vm = await client.TextAsync("VM.create", Records.Vm("resident"));
        await client.CallAsync("VM.start", vm, false, false);
        (await client.TextAsync("VM.get_resident_on", vm)).Should().Be(host);
        await client.CallAsync("host.disable", host);
        await client.CallAsync(call, host);
        (await client.TextAsync("VM.get_power_state", vm)).Should().Be("Halted");
        (await client.TextAsync("VM.get_resident_on", vm)).Should().Be(Records.Null);
        await client.CallAsync("VM.destroy", vm);
        if (call == "host.shutdown")
        {
            await client.CallAsync("host.set_power_on_mode", host, "wake-on-lan", JsonArguments.Map());
            await client.CallAsync("host.power_on", host);
        }

        (await client.FlagAsync("host.get_enabled", host)).Should().BeTrue();
    }

    [Fact]
    public async Task Pending_guidance_keeps_a_host_disabled()
    {
        var (client, host) = await PrepareAsync();
        await client.CallAsync("host.disable", host);
        server.Host.Records.Commit(unit => unit.Set(host, "pending_guidances", XapiCompat.Values.XenArray.Of(["reboot_host"])));
        (await client.ErrorAsync("host.enable", host)).Should().Equal("HOST_PENDING_MANDATORY_GUIDANCE_NOT_EMPTY", host);
        await client.CallAsync("host.reboot", host);
        (await client.ListAsync("host.get_pending_guidances", host)).Should().BeEmpty();
        (await client.FlagAsync("host.get_enabled", host)).Should().BeTrue();
    }

    [Fact]
    [SeesEffectOf("host.restart_agent", "host.is_in_emergency_mode")]
    public async Task A_restarted_agent_has_a_new_start_time()
    {
        var (client, host) = await PrepareAsync();
        await OldTimesAsync(client, host);
        await client.CallAsync("host.restart_agent", host);
        var config = await client.CallAsync("host.get_other_config", host);
        config["agent_start_time"]!.GetValue<string>().Should().NotBe("1.");
        config["boot_time"]!.GetValue<string>().Should().Be("1.");
        (await client.FlagAsync("host.is_in_emergency_mode")).Should().BeFalse();
    }

    [Fact]
    public async Task A_pool_allows_what_nothing_forbids()
    {
        var (client, _) = await PrepareAsync();
        var pool = (await client.ListAsync("pool.get_all"))[0];
        var allowed = await client.ListAsync("pool.get_allowed_operations", pool);
        allowed.Should().Contain(["ha_enable", "cluster_create", "designate_new_master", "configure_repositories", "tls_verification_enable", "eject"]).And.NotContain("ha_disable");
    }

    private async Task<(XenClient Client, string Host)> PrepareAsync()
    {
        var client = await server.LoginAsync();
        return (client, (await client.ListAsync("host.get_all"))[0]);
    }

    private static async Task OldTimesAsync(XenClient client, string host)
    {
        foreach (var key in (string[])["boot_time", "agent_start_time"])
        {
            await client.CallAsync("host.remove_from_other_config", host, key);
            await client.CallAsync("host.add_to_other_config", host, key, "1.");
        }
    }
}
