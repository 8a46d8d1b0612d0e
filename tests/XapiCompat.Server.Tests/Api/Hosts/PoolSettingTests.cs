using FluentAssertions;
using XapiCompat.Server.Tests.Support;
using Xunit;

namespace XapiCompat.Server.Tests.Api.Hosts;

/// <summary>Settings of the pool: what they store, which hosts they reach, what they refuse.</summary>
public sealed class PoolSettingTests(RunningServer server) : IClassFixture<RunningServer>
{
    [Fact]
    [SeesEffectOf("pool.set_https_only", "pool.disable_ssl_legacy", "pool.enable_tls_verification", "host.emergency_disable_tls_verification", "host.emergency_reenable_tls_verification")]
    public async Task Protocol_settings_reach_all_hosts()
    {
        var (client, host, pool) = await PrepareAsync();
        await client.CallAsync("pool.set_https_only", pool, true);
        (await client.FlagAsync("host.get_https_only", host)).Should().BeTrue();
        server.Host.Records.Commit(unit => unit.Set(host, "ssl_legacy", true));
        await client.CallAsync("pool.disable_ssl_legacy", pool);
        (await client.FlagAsync("host.get_ssl_legacy", host)).Should().BeFalse();

        (await client.ErrorAsync("host.emergency_reenable_tls_verification")).Should().Equal("TLS_VERIFICATION_NOT_ENABLED_IN_POOL");
        await client.CallAsync("pool.enable_tls_verification");
        (await client.FlagAsync("pool.get_tls_verification_enabled", pool)).Should().BeTrue();
        (await client.FlagAsync("host.get_tls_verification_enabled", host)).Should().BeTrue();
        await client.CallAsync("host.emergency_disable_tls_verification");
        (await client.FlagAsync("host.get_tls_verification_enabled", host)).Should().BeFalse();
        await client.CallAsync("host.emergency_reenable_tls_verification");
        (await client.FlagAsync("host.get_tls_verification_enabled", host)).Should().BeTrue();
    }

    [Fact]
    [SeesEffectOf("host.emergency_clear_mandatory_guidance")]
    public async Task Mandatory_guidance_can_be_cleared()
    {
        var (client, host, _) = await PrepareAsync();
        server.Host.Records.Commit(unit => unit.Set(host, "pending_guidances", XapiCompat.Values.XenArray.Of(["restart_toolstack"])));
        await client.CallAsync("host.emergency_clear_mandatory_guidance");
        (await client.ListAsync("host.get_pending_guidances", host)).Should().BeEmpty();
    }

    [Fact]
    [SeesEffectOf("pool.enable_client_certificate_auth", "pool.disable_client_certificate_auth", "pool.set_custom_uefi_certificates", "pool.get_guest_secureboot_readiness")]
    public async Task Certificates_of_clients_and_firmware_are_settings()
    {
        var (client, _, pool) = await PrepareAsync();
        await client.CallAsync("pool.enable_client_certificate_auth", pool, "client.example");
        (await client.FlagAsync("pool.get_client_certificate_auth_enabled", pool)).Should().BeTrue();
        (await client.TextAsync("pool.get_client_certificate_auth_name", pool)).Should().Be("client.example");
        await client.CallAsync("pool.disable_client_certificate_auth", pool);
        (await client.FlagAsync("pool.get_client_certificate_auth_enabled", pool)).Should().BeFalse();
        (await client.TextAsync("pool.get_client_certificate_auth_name", pool)).Should().BeEmpty();
        (await client.TextAsync("pool.get_guest_secureboot_readiness", pool)).Should().Be("not_ready");
        await client.CallAsync("pool.set_custom_uefi_certificates", pool, "H4sI");
        (await client.TextAsync("pool.get_custom_uefi_certificates", pool)).Should().Be("H4sI");
        (await client.TextAsync("pool.get_guest_secureboot_readiness", pool)).Should().Be("ready");
        await client.CallAsync("pool.set_custom_uefi_certificates", pool, "");
    }

    [Fact]
    [SeesEffectOf("pool.set_local_auth_max_threads", "pool.set_ext_auth_max_threads", "pool.set_ext_auth_cache_enabled", "pool.set_ext_auth_cache_size", "pool.set_ext_auth_cache_expiry", "pool.set_igmp_snooping_enabled", "pool.set_ha_host_failures_to_tolerate")]
    public async Task Numbers_and_switches_are_kept_within_their_limits()
    {
        var (client, _, pool) = await PrepareAsync();
        foreach (var (field, parameter, limit) in ((string, string, int)[])
            [
                ("local_auth_max_threads", "local_auth_max_threads", 0), ("ext_auth_max_threads", "ext_auth_max_threads", 0),
                ("ext_auth_cache_size", "size", -1), ("ext_auth_cache_expiry", "expiry", 0), ("ha_host_failures_to_tolerate", "ha_host_failures_to_tolerate", -1),
            ])
        {
            await client.CallAsync("pool.set_" + field, pool, 17);
            (await client.CallAsync("pool.get_" + field, pool)).GetValue<long>().Should().Be(17);
            (await client.ErrorAsync("pool.set_" + field, pool, limit)).Should().Equal("INVALID_VALUE", parameter, limit.ToString());
        }

        foreach (var field in (string[])["ext_auth_cache_enabled", "igmp_snooping_enabled"])
        {
            foreach (var value in (bool[])[true, false, true])
            {
                await client.CallAsync("pool.set_" + field, pool, value);
                (await client.FlagAsync("pool.get_" + field, pool)).Should().Be(value);
            }
        }
    }

    [Fact]
    [SeesEffectOf("pool.set_telemetry_next_collection", "pool.reset_telemetry_uuid", "pool.configure_update_sync")]
    public async Task Telemetry_and_update_days_are_set()
    {
        var (client, _, pool) = await PrepareAsync();
        var soon = DateTimeOffset.UtcNow.AddDays(3).ToString("yyyyMMdd'T'HH:mm:ss'Z'");
        await client.CallAsync("pool.set_telemetry_next_collection", pool, soon);
        (await client.TextAsync("pool.get_telemetry_next_collection", pool)).Should().Be(soon);
        (await client.ErrorAsync("pool.set_telemetry_next_collection", pool, "20990101T00:00:00Z")).Should().Equal("TELEMETRY_NEXT_COLLECTION_TOO_LATE", "20990101T00:00:00Z");

        await client.CallAsync("pool.reset_telemetry_uuid", pool);
        var first = await client.TextAsync("pool.get_telemetry_uuid", pool);
        Guid.TryParse(await client.TextAsync("secret.get_value", first), out _).Should().BeTrue();
        await client.CallAsync("pool.reset_telemetry_uuid", pool);
        (await client.TextAsync("pool.get_telemetry_uuid", pool)).Should().NotBe(first);
        (await client.ErrorAsync("secret.get_value", first)).Should().HaveElementAt(0, "HANDLE_INVALID");

        await client.CallAsync("pool.configure_update_sync", pool, "weekly", 6);
        (await client.CallAsync("pool.get_update_sync_day", pool)).GetValue<long>().Should().Be(6);
        (await client.ErrorAsync("pool.configure_update_sync", pool, "weekly", 7)).Should().Equal("INVALID_UPDATE_SYNC_DAY", "7");
        await client.CallAsync("pool.configure_update_sync", pool, "daily", 5);
        (await client.TextAsync("pool.get_update_sync_frequency", pool)).Should().Be("daily");
        (await client.CallAsync("pool.get_update_sync_day", pool)).GetValue<long>().Should().Be(0);
    }

    [Fact]
    [SeesEffectOf("pool.add_to_guest_agent_config", "pool.remove_from_guest_agent_config", "pool.set_vswitch_controller")]
    public async Task Guest_agents_and_the_switch_controller_are_configured()
    {
        var (client, _, pool) = await PrepareAsync();
        await client.CallAsync("pool.add_to_guest_agent_config", pool, "auto_update_enabled", "true");
        (await client.CallAsync("pool.get_guest_agent_config", pool))["auto_update_enabled"]!.GetValue<string>().Should().Be("true");
        (await client.ErrorAsync("pool.add_to_guest_agent_config", pool, "auto_update_enabled", "false")).Should().HaveElementAt(0, "MAP_DUPLICATE_KEY");
        (await client.ErrorAsync("pool.add_to_guest_agent_config", pool, "auto_update_url", "ftp://x")).Should().HaveElementAt(0, "INVALID_VALUE");
        (await client.ErrorAsync("pool.add_to_guest_agent_config", pool, "anything", "x")).Should().HaveElementAt(0, "INVALID_VALUE");
        await client.CallAsync("pool.remove_from_guest_agent_config", pool, "auto_update_enabled");
        (await client.CallAsync("pool.get_guest_agent_config", pool)).AsObject().Should().BeEmpty();

        (await client.ErrorAsync("pool.set_vswitch_controller", "no address")).Should().Equal("INVALID_IP_ADDRESS_SPECIFIED", "address");
        await client.CallAsync("pool.set_vswitch_controller", "192.0.2.7");
        (await client.TextAsync("pool.get_vswitch_controller", pool)).Should().Be("192.0.2.7");
        var controller = await client.RecordAsync("SDN_controller", (await client.ListAsync("SDN_controller.get_all")).Single());
        controller["address"]!.GetValue<string>().Should().Be("192.0.2.7");
        controller["port"]!.GetValue<long>().Should().Be(6632);
        await client.CallAsync("pool.set_vswitch_controller", "");
        (await client.ListAsync("SDN_controller.get_all")).Should().BeEmpty();
    }

    private async Task<(XenClient Client, string Host, string Pool)> PrepareAsync()
    {
        var client = await server.LoginAsync();
        return (client, (await client.ListAsync("host.get_all"))[0], (await client.ListAsync("pool.get_all"))[0]);
    }
}
