using FluentAssertions;
using XapiCompat.Server.Tests.Support;
using XapiCompat.Values;
using Xunit;

namespace XapiCompat.Server.Tests.Api.Hosts;

/// <summary>Settings of a host: what they store, where else they show, what they refuse.</summary>
public sealed class HostSettingTests(RunningServer server) : IClassFixture<RunningServer>
{
    [Fact]
    [SeesEffectOf("host.set_hostname_live")]
    public async Task A_new_hostname_names_the_control_domain_too()
    {
        var (client, host) = await PrepareAsync();
        await client.CallAsync("host.set_hostname_live", host, "node-1.example");
        (await client.TextAsync("host.get_hostname", host)).Should().Be("node-1.example");
        (await client.TextAsync("VM.get_name_label", await client.TextAsync("host.get_control_domain", host))).Should().Be("Control domain on host: node-1.example");
        (await client.ErrorAsync("host.set_hostname_live", host, "")).Should().Equal("HOST_NAME_INVALID", "no name is given");
        (await client.ErrorAsync("host.set_hostname_live", host, new string('a', 256))).Should().Equal("HOST_NAME_INVALID", "more than 255 characters");
        foreach (var bad in (string[])["-a", "a-", "a b", "ä"])
            (await client.ErrorAsync("host.set_hostname_live", host, bad)).Should().Equal("HOST_NAME_INVALID", "letters, digits, dots and inner hyphens only");
    }

    [Fact]
    [SeesEffectOf("host.set_iscsi_iqn", "host.set_multipathing")]
    public async Task Storage_settings_show_in_the_field_and_in_other_config()
    {
        var (client, host) = await PrepareAsync();
        await client.CallAsync("host.set_iscsi_iqn", host, "iqn.2020-01.test:a");
        await client.CallAsync("host.set_multipathing", host, true);
        var record = await client.RecordAsync("host", host);
        record["iscsi_iqn"]!.GetValue<string>().Should().Be("iqn.2020-01.test:a");
        record["other_config"]!["iscsi_iqn"]!.GetValue<string>().Should().Be("iqn.2020-01.test:a");
        record["multipathing"]!.GetValue<bool>().Should().BeTrue();
        record["other_config"]!["multipathing"]!.GetValue<string>().Should().Be("true");
        (await client.ErrorAsync("host.set_iscsi_iqn", host, "")).Should().Equal("INVALID_VALUE", "value", "");
    }

    [Fact]
    [SeesEffectOf("host.set_max_cstate", "host.set_sched_gran", "host.get_sched_gran", "host.set_numa_affinity_policy", "host.set_https_only", "host.set_ssl_legacy")]
    public async Task Processor_and_protocol_settings_are_kept()
    {
        var (client, host) = await PrepareAsync();
        await client.CallAsync("host.set_max_cstate", host, "1,0");
        (await client.TextAsync("host.get_max_cstate", host)).Should().Be("1,0");
        (await client.ErrorAsync("host.set_max_cstate", host, "deep")).Should().Equal("INVALID_VALUE", "max_cstate", "deep");
        (await client.ErrorAsync("host.set_max_cstate", host, "2")).Should().StartWith(["VALUE_NOT_SUPPORTED", "max_cstate", "2"]);
        (await client.TextAsync("host.get_sched_gran", host)).Should().Be("cpu");
        await client.CallAsync("host.set_sched_gran", host, "socket");
        (await client.TextAsync("host.get_sched_gran", host)).Should().Be("socket");
        await client.CallAsync("host.set_numa_affinity_policy", host, "best_effort");
        (await client.TextAsync("host.get_numa_affinity_policy", host)).Should().Be("best_effort");
        await client.CallAsync("host.set_https_only", host, true);
        (await client.FlagAsync("host.get_https_only", host)).Should().BeTrue();
        server.Host.Records.Commit(unit => unit.Set(host, "ssl_legacy", true));
        (await client.ErrorAsync("host.set_ssl_legacy", host, true)).Should().StartWith(["VALUE_NOT_SUPPORTED", "value", "true"]);
        await client.CallAsync("host.set_ssl_legacy", host, false);
        (await client.FlagAsync("host.get_ssl_legacy", host)).Should().BeFalse();
    }

    [Fact]
    [SeesEffectOf("host.enable_display", "host.disable_display")]
    public async Task The_display_changes_with_the_next_boot()
    {
        var (client, host) = await PrepareAsync();
        (await client.TextAsync("host.disable_display", host)).Should().Be("disable_on_reboot");
        (await client.TextAsync("host.get_display", host)).Should().Be("disable_on_reboot");
        (await client.TextAsync("host.enable_display", host)).Should().Be("enabled");
        (await client.TextAsync("host.get_display", host)).Should().Be("enabled");
    }

    [Fact]
    [SeesEffectOf("host.set_localdb_key")]
    public async Task A_local_setting_lies_in_the_file_of_the_hosts()
    {
        var (client, host) = await PrepareAsync();
        await client.CallAsync("host.set_localdb_key", host, "some_key", "some value");
        var uuid = await client.TextAsync("host.get_uuid", host);
        var file = System.Text.Json.Nodes.JsonNode.Parse(await File.ReadAllTextAsync(Path.Combine(server.StatePath, "hosts.json")))!;
        file[uuid + "/some_key"]!.GetValue<string>().Should().Be("some value");
    }

    [Fact]
    [SeesEffectOf("host.disable_external_auth")]
    public async Task Leaving_an_external_directory_clears_its_names()
    {
        var (client, host) = await PrepareAsync();
        server.Host.Records.Commit(unit =>
        {
            unit.Set(host, "external_auth_type", "AD");
            unit.Set(host, "external_auth_service_name", "example");
            unit.Set(host, "external_auth_configuration", XenStruct.Of(("domain", "example")));
        });
        await client.CallAsync("host.disable_external_auth", host, JsonArguments.Map());
        var record = await client.RecordAsync("host", host);
        record["external_auth_type"]!.GetValue<string>().Should().BeEmpty();
        record["external_auth_service_name"]!.GetValue<string>().Should().BeEmpty();
        record["external_auth_configuration"]!.AsObject().Should().BeEmpty();
    }

    private async Task<(XenClient Client, string Host)> PrepareAsync()
    {
        var client = await server.LoginAsync();
        return (client, (await client.ListAsync("host.get_all"))[0]);
    }
}
