using System.Xml.Linq;
using FluentAssertions;
using XapiCompat.Core.Services;
using XapiCompat.Server.Tests.Support;
using Xunit;

namespace XapiCompat.Server.Tests.Api.Hosts;

/// <summary>Logs, figures and data sources show what is there.</summary>
public sealed class HostDiagnosticsTests(RunningServer server) : IClassFixture<RunningServer>
{
    [Fact]
    [SeesEffectOf("host.dmesg", "host.dmesg_clear", "host.send_debug_keys", "host.get_log")]
    public async Task Debug_keys_show_on_the_console_until_it_is_cleared()
    {
        var (client, host) = await PrepareAsync();
        await client.CallAsync("host.send_debug_keys", host, "qd");
        (await client.TextAsync("host.dmesg", host)).Should().Contain("'q' pressed").And.Contain("'d' pressed");
        await client.CallAsync("message.create", "LOGGED", 1, "Host", await client.TextAsync("host.get_uuid", host), "two\nlines");
        (await client.TextAsync("host.get_log", host)).Should().Contain("LOGGED two lines").And.Contain("'q' pressed");
        (await client.TextAsync("host.dmesg_clear", host)).Should().Contain("'q' pressed");
        (await client.TextAsync("host.dmesg", host)).Should().BeEmpty();
    }

    [Fact]
    [SeesEffectOf("host.list_methods", "host.get_system_status_capabilities", "host.get_diagnostic_timing_stats", "host.get_thread_diagnostics", "host.get_sm_diagnostics")]
    public async Task Figures_of_the_server_are_computed()
    {
        var (client, host) = await PrepareAsync();
        var listed = await client.CallAsync("system.listMethods");
        (await client.ListAsync("host.list_methods")).Should().BeEquivalentTo(listed.AsArray().Select(n => n!.GetValue<string>()));
        XDocument.Parse(await client.TextAsync("host.get_system_status_capabilities", host)).Root!.Name.LocalName.Should().Be("system-status-capabilities");
        var first = (await client.CallAsync("host.get_diagnostic_timing_stats", host, true)).AsObject();
        await client.CallAsync("VM.create", Records.Vm("counted"));
        var second = (await client.CallAsync("host.get_diagnostic_timing_stats", host, true)).AsObject();
        long.Parse(second["commit_count"]!.GetValue<string>()).Should().BeGreaterThan(long.Parse(first["commit_count"]!.GetValue<string>()));
        double.Parse(second["uptime"]!.GetValue<string>()).Should().BeGreaterThan(double.Parse(first["uptime"]!.GetValue<string>()));
        (await client.CallAsync("host.get_diagnostic_timing_stats", host)).AsObject().Select(p => p.Key).Should().NotContain("commit_count");
        (await client.TextAsync("host.get_thread_diagnostics", host)).Should().MatchRegex("threads: [1-9]");
        var local = server.Host.Records.Current.Get("SR", await client.TextAsync("pool.get_default_SR", (await client.ListAsync("pool.get_all"))[0]));
        (await client.TextAsync("host.get_sm_diagnostics", host)).Should().Contain("SR " + local.Uuid + " " + local.Text("type"));
    }

    [Fact]
    [SeesEffectOf("Diagnostics.gc_compact", "Diagnostics.gc_stats", "Diagnostics.db_stats")]
    public async Task The_collector_and_the_database_are_counted()
    {
        var (client, host) = await PrepareAsync();
        var before = (await client.CallAsync("Diagnostics.gc_stats", host))["major_collections"]!.GetValue<string>();
        await client.CallAsync("Diagnostics.gc_compact", host);
        var after = (await client.CallAsync("Diagnostics.gc_stats", host))["major_collections"]!.GetValue<string>();
        long.Parse(after).Should().BeGreaterThan(long.Parse(before));
        var count = (await client.ListAsync("VM.get_all")).Count;
        (await client.CallAsync("Diagnostics.db_stats"))["count_VM"]!.GetValue<string>().Should().Be(count.ToString());
    }

    [Fact]
    [SeesEffectOf("host.get_data_sources", "host.query_data_source", "host.record_data_source", "host.forget_data_source_archives")]
    public async Task Data_sources_have_values_and_can_be_switched_off()
    {
        var (client, host) = await PrepareAsync();
        var total = (await client.CallAsync("host_metrics.get_memory_total", await client.TextAsync("host.get_metrics", host))).GetValue<long>() / 1024.0;
        (await client.CallAsync("host.query_data_source", host, "memory_total_kib")).GetValue<double>().Should().Be(total);
        (await client.ErrorAsync("host.query_data_source", host, "no_such")).Should().HaveElementAt(0, "INTERNAL_ERROR");
        var sources = (await client.CallAsync("host.get_data_sources", host)).AsArray();
        sources.Single(s => s!["name_label"]!.GetValue<string>() == "memory_total_kib")!["value"]!.GetValue<double>().Should().Be(total);
        sources.Should().OnlyContain(s => s!["enabled"]!.GetValue<bool>());
        await client.CallAsync("host.forget_data_source_archives", host, "memory_free_kib");
        (await EnabledAsync(client, host, "memory_free_kib")).Should().BeFalse();
        (await EnabledAsync(client, host, "memory_total_kib")).Should().BeTrue();
        await client.CallAsync("host.record_data_source", host, "memory_free_kib");
        (await EnabledAsync(client, host, "memory_free_kib")).Should().BeTrue();
    }

    private static async Task<bool> EnabledAsync(XenClient client, string host, string name) =>
        (await client.CallAsync("host.get_data_sources", host)).AsArray().Single(s => s!["name_label"]!.GetValue<string>() == name)!["enabled"]!.GetValue<bool>();

    private async Task<(XenClient Client, string Host)> PrepareAsync()
    {
        var client = await server.LoginAsync();
        return (client, (await client.ListAsync("host.get_all"))[0]);
    }
}
