using System.Text.Json.Nodes;
using FluentAssertions;
using XapiCompat.Server.Tests.Support;
using Xunit;

namespace XapiCompat.Server.Tests.Api.Pool;

/// <summary>The records of a pool of several hosts.</summary>
public sealed class PoolRecordTests(PoolServer pool) : IClassFixture<PoolServer>
{
    [Fact]
    public async Task Every_host_has_records_of_its_own()
    {
        var client = await pool.Server.LoginAsync();
        var hosts = await AllAsync(client, "host");
        hosts.Should().HaveCount(3);
        hosts.Values.Select(h => h["address"]!.GetValue<string>()).Should().BeEquivalentTo("127.0.0.1", "127.0.0.2", "127.0.0.3");
        hosts.Values.Select(h => h["hostname"]!.GetValue<string>()).Should().OnlyHaveUniqueItems();
        hosts.Values.Select(h => h["uuid"]!.GetValue<string>()).Should().OnlyHaveUniqueItems();
        var (metrics, cpus, vms, consoles, pifs, pbds) =
            (await AllAsync(client, "host_metrics"), await AllAsync(client, "host_cpu"), await AllAsync(client, "VM"),
             await AllAsync(client, "console"), await AllAsync(client, "PIF"), await AllAsync(client, "PBD"));
        metrics.Should().HaveCount(3);
        foreach (var (reference, host) in hosts)
        {
            metrics.Should().ContainKey(host["metrics"]!.GetValue<string>());
            host["host_CPUs"]!.AsArray().Should().HaveCount(cpus.Count / 3);
            var dom0 = vms[host["control_domain"]!.GetValue<string>()];
            dom0["is_control_domain"]!.GetValue<bool>().Should().BeTrue();
            dom0["resident_on"]!.GetValue<string>().Should().Be(reference);
            dom0["name_label"]!.GetValue<string>().Should().EndWith(": " + host["hostname"]!.GetValue<string>());
            dom0["consoles"]!.AsArray().Should().HaveCount(2);
            consoles[dom0["consoles"]![0]!.GetValue<string>()]["location"]!.GetValue<string>().Should().Contain(host["address"]!.GetValue<string>());
            (await client.RecordAsync("VM_metrics", dom0["metrics"]!.GetValue<string>()))["VCPUs_number"]!.ToString().Should().Be("4");
            host["PIFs"]!.AsArray().Should().ContainSingle().Which!.GetValue<string>().Should().Match(p => pifs[p]["IP"]!.GetValue<string>() == host["address"]!.GetValue<string>());
            host["PBDs"]!.AsArray().Select(p => pbds[p!.GetValue<string>()]["SR"]!.GetValue<string>()).Should().OnlyHaveUniqueItems();
        }

        pifs.Values.Select(p => p["MAC"]!.GetValue<string>()).Should().OnlyHaveUniqueItems();
        pifs.Values.Select(p => p["network"]!.GetValue<string>()).Distinct().Should().ContainSingle("networks are common");
        (await client.ListAsync("pool.get_all")).Should().ContainSingle();
    }

    [Fact]
    public async Task Shared_storage_has_a_connection_per_host_and_local_storage_one()
    {
        var client = await pool.Server.LoginAsync();
        var pbds = await AllAsync(client, "PBD");
        foreach (var (_, sr) in await AllAsync(client, "SR"))
        {
            var hosts = sr["PBDs"]!.AsArray().Select(p => pbds[p!.GetValue<string>()]["host"]!.GetValue<string>()).ToList();
            hosts.Should().OnlyHaveUniqueItems().And.HaveCount(sr["shared"]!.GetValue<bool>() ? 3 : 1, sr["name_label"]!.GetValue<string>());
        }
    }

    [Fact]
    public async Task Hosts_keep_addresses_and_uuids_over_a_restart()
    {
        await using var scope = new Started(await RunningServer.CreateAsync(o => o with { Seed = new(Hosts: 2) }));
        var before = await HostsAsync(scope.Server);
        await scope.Server.RestartAsync();
        (await HostsAsync(scope.Server)).Should().BeEquivalentTo(before);
    }

    private static async Task<List<string>> HostsAsync(RunningServer server) =>
        [.. (await AllAsync(await server.LoginAsync(), "host")).Values.Select(h => h["uuid"] + " " + h["address"])];

    private static async Task<Dictionary<string, JsonObject>> AllAsync(XenClient client, string @class) =>
        (await client.CallAsync(@class + ".get_all_records")).AsObject().ToDictionary(r => r.Key, r => r.Value!.AsObject());

    private sealed class Started(RunningServer server) : IAsyncDisposable
    {
        public RunningServer Server => server;

        public async ValueTask DisposeAsync() => await server.DisposeAsync();
    }
}
