using System.Text.Json.Nodes;
using FluentAssertions;
using XapiCompat.Core.Seed;
using XapiCompat.Server.Tests.Support;
using XapiCompat.Testing;
using Xunit;

namespace XapiCompat.Server.Tests.Api.Pool;

/// <summary>What a first start makes of a seed.</summary>
public sealed class SeedTests
{
    private static readonly string[] Stored = ["pool", "host", "VM", "VDI", "VBD", "VIF", "SR", "PBD", "PIF", "network", "console", "host_cpu", "SM"];
    private static readonly string[] OfTheStart = ["other_config", "last_updated", "metrics", "snapshot_time", "physical_size"];

    [Fact]
    public async Task The_same_number_gives_the_same_pool_and_another_one_another()
    {
        var options = new SeedOptions(Hosts: 2, Srs: 1, Vms: 3, Vdis: 6, SnapshotsPerVdi: 2, Number: 11);
        var first = await ObjectsAsync(options);
        (await ObjectsAsync(options)).Should().Equal(first);
        (await ObjectsAsync(options with { Number = 12 })).Keys.Should().NotIntersectWith(first.Keys);
    }

    [Fact]
    public async Task Counts_are_dealt_out_evenly()
    {
        await using var scope = await StartedAsync(new(Srs: 2, Vms: 3, Vdis: 6, SnapshotsPerVdi: 1));
        var client = await scope.Server.LoginAsync();
        foreach (var number in new[] { 1, 2, 3 })
        {
            var vm = await client.RecordAsync("VM", (await client.ListAsync("VM.get_by_name_label", "VM " + number)).Single());
            vm["VBDs"]!.AsArray().Should().HaveCount(2);
            vm["VIFs"]!.AsArray().Should().ContainSingle();
            vm["power_state"]!.GetValue<string>().Should().Be("Halted");
            vm["is_a_template"]!.GetValue<bool>().Should().BeFalse();
            vm["allowed_operations"]!.AsArray().Select(o => o!.GetValue<string>()).Should().Contain("start").And.Contain("snapshot");
        }

        foreach (var (_, sr) in (await client.CallAsync("SR.get_all_records")).AsObject().Where(s => s.Value!["name_label"]!.GetValue<string>().StartsWith("Shared", StringComparison.Ordinal)))
        {
            var disks = new List<JsonObject>();
            foreach (var vdi in sr!["VDIs"]!.AsArray())
                disks.Add(await client.RecordAsync("VDI", vdi!.GetValue<string>()));
            disks.Where(d => d["is_a_snapshot"]!.GetValue<bool>()).Should().HaveCount(3).And.OnlyContain(d => d["snapshot_of"]!.GetValue<string>().StartsWith("OpaqueRef:", StringComparison.Ordinal));
            disks.Where(d => !d["is_a_snapshot"]!.GetValue<bool>() && d["managed"]!.GetValue<bool>()).Should().HaveCount(3).And.OnlyContain(d => d["snapshots"]!.AsArray().Count == 1);
            sr["virtual_allocation"]!.GetValue<long>().Should().Be(disks.Where(d => d["managed"]!.GetValue<bool>()).Sum(d => d["virtual_size"]!.GetValue<long>()));
        }
    }

    [Fact]
    public async Task A_seeded_disk_is_a_disk_from_its_first_use_on()
    {
        await using var scope = await StartedAsync(new(Vdis: 8, Number: 3));
        var disks = await DiskClient.LoginAsync(scope.Server);
        async Task<string> Disk(int number) => (await disks.Api.ListAsync("VDI.get_by_name_label", "Disk " + number)).Single();
        var sr = await disks.DefaultSrAsync();
        Files(scope.Server).Should().BeEmpty("nobody has used one");

        var imported = await Disk(1);
        await disks.ImportAsync(imported, new byte[4096].Select(_ => (byte)7).ToArray());
        var snapshot = await disks.Api.TextAsync("VDI.snapshot", await Disk(2), JsonArguments.Map());
        var clone = await disks.Api.TextAsync("VDI.clone", await Disk(3), JsonArguments.Map());
        await disks.Api.CallAsync("VDI.destroy", await Disk(4));
        var size = (await disks.RecordAsync(await Disk(5)))["virtual_size"]!.GetValue<long>();
        await disks.Api.CallAsync("VDI.resize", await Disk(5), size + DiskClient.Block);
        (await disks.ExportAsync(await Disk(6), "vhd")).Should().NotBeEmpty();
        await disks.Api.CallAsync("VDI.set_name_label", await Disk(7), "renamed");

        foreach (var restart in new[] { false, true })
        {
            if (restart)
                await scope.Server.RestartAsync();
            disks = await DiskClient.LoginAsync(scope.Server);
            await disks.Api.CallAsync("SR.scan", sr);
            var labels = new List<string>();
            foreach (var vdi in await disks.Api.ListAsync("SR.get_VDIs", sr))
                labels.Add((await disks.RecordAsync(vdi))["name_label"]!.GetValue<string>());
            labels.Where(l => l != "base copy").Should().BeEquivalentTo("Disk 1", "Disk 2", "Disk 2", "Disk 3", "Disk 3", "Disk 5", "Disk 6", "Disk 8", "renamed");
            (await disks.RecordAsync(snapshot))["is_a_snapshot"]!.GetValue<bool>().Should().BeTrue();
            (await disks.RecordAsync(clone))["is_a_snapshot"]!.GetValue<bool>().Should().BeFalse();
            (await disks.RecordAsync(await Disk(5)))["virtual_size"]!.GetValue<long>().Should().Be(size + DiskClient.Block);
            (await disks.RecordAsync(await Disk(8)))["physical_utilisation"]!.GetValue<long>().Should().Be(0);
            (await disks.ExportAsync(imported, "vhd")).Length.Should().BeGreaterThan(DiskClient.Block);
        }
    }

    [Theory]
    [InlineData("xcp-ng-8.3", "XCP-ng", "8.3.0", "XCP-ng Tools")]
    [InlineData("xenserver-8", "XenServer", "8.4.0", "XenServer Tools")]
    public async Task A_profile_sets_what_clients_ask_for_the_release(string profile, string brand, string version, string tools)
    {
        await using var scope = await StartedAsync(new(Profile: profile, Hosts: 2));
        var client = await scope.Server.LoginAsync();
        foreach (var (_, host) in (await client.CallAsync("host.get_all_records")).AsObject())
        {
            var software = host!["software_version"]!;
            software["product_brand"]!.GetValue<string>().Should().Be(brand);
            software["product_version"]!.GetValue<string>().Should().Be(version);
            software["hostname"]!.GetValue<string>().Should().Be(host["hostname"]!.GetValue<string>());
            host["API_version_minor"]!.GetValue<int>().Should().Be(21);
        }

        (await client.ListAsync("SR.get_by_name_label", tools)).Should().ContainSingle();
    }

    [Fact]
    public async Task A_file_extends_changes_and_removes()
    {
        using var directory = new TempDirectory();
        var file = directory.File("mine.json");
        await File.WriteAllTextAsync(file, """
            {"format": 1, "extends": "default", "profile": "xenserver-8", "counts": {"vms": 2},
             "remove": ["$pbd_tools", "$sr_tools"],
             "objects": [
              {"class": "host", "ref": "$host", "fields": {"name_label": "mine"}},
              {"class": "VDI", "ref": "$disk", "fields": {"name_label": "data", "SR": "$sr_local", "virtual_size": 5000000, "type": "user", "managed": true}}
             ]}
            """);
        await using var scope = await StartedAsync(new(Source: file, Vms: 1));
        var disks = await DiskClient.LoginAsync(scope.Server);
        (await disks.Api.ListAsync("host.get_by_name_label", "mine")).Should().ContainSingle();
        (await disks.Api.ListAsync("SR.get_by_name_label", "XenServer Tools")).Should().BeEmpty();
        (await disks.Api.ListAsync("VM.get_by_name_label", "VM 1")).Should().ContainSingle("the command line goes before the file");
        var vdi = (await disks.Api.ListAsync("VDI.get_by_name_label", "data")).Single();
        (await disks.RecordAsync(vdi))["virtual_size"]!.GetValue<long>().Should().Be(3L * DiskClient.Block, "disks are whole blocks");
        (await disks.ExportAsync(vdi)).Should().HaveCount(3 * DiskClient.Block);
    }

    [Theory]
    [InlineData("""{"format": 2}""", "format 1")]
    [InlineData("""[]""", "format 1")]
    [InlineData("""{"format": 1,""", "cannot be read")]
    [InlineData("""{"format": 1, "object": []}""", "object")]
    [InlineData("""{"format": 1, "extends": "no-such"}""", "no-such")]
    [InlineData("""{"format": 1, "extends": "default", "profile": "no-such"}""", "no-such")]
    [InlineData("""{"format": 1, "extends": "default", "remove": ["$none"]}""", "$none")]
    [InlineData("""{"format": 1, "extends": "default", "counts": {"hosts": 0}}""", "1 to 64")]
    [InlineData("""{"format": 1, "extends": "default", "counts": {"vms": -1}}""", "vms")]
    [InlineData("""{"format": 1, "extends": "default", "counts": {"disks": 1}}""", "disks")]
    [InlineData("""{"format": 1, "extends": "default", "counts": {"vms": 1, "vdis": 256}}""", "255")]
    [InlineData("""{"format": 1, "extends": "default", "objects": [{"class": "Thing", "ref": "$x", "fields": {}}]}""", "Thing")]
    [InlineData("""{"format": 1, "extends": "default", "objects": [{"class": "VM", "ref": "$host", "fields": {}}]}""", "$host")]
    [InlineData("""{"format": 1, "extends": "default", "objects": [{"class": "VM", "ref": "$x", "fields": {"colour": "red"}}]}""", "colour")]
    [InlineData("""{"format": 1, "extends": "default", "objects": [{"class": "VM", "ref": "$x", "fields": {"VCPUs_max": "many"}}]}""", "VCPUs_max")]
    [InlineData("""{"format": 1, "extends": "default", "objects": [{"class": "VM", "ref": "$x", "fields": {"affinity": "$none"}}]}""", "$none")]
    [InlineData("""{"format": 1, "extends": "default", "objects": [{"class": "VM", "fields": {}}]}""", "form")]
    public async Task A_wrong_seed_is_refused_in_one_line(string text, string reason)
    {
        using var directory = new TempDirectory();
        await File.WriteAllTextAsync(directory.File("seed.json"), text);
        var options = new ServerOptions { Http = new(System.Net.IPAddress.Loopback, 0), Https = null, State = directory.File("state"), Seed = new(Source: directory.File("seed.json")) };
        var start = async () => await ServerHost.StartAsync(options);
        (await start.Should().ThrowAsync<StartFailure>()).Which.Message.Should().Contain(reason).And.NotContain("\n");
    }

    [Fact]
    public async Task A_later_start_may_repeat_the_seed_and_must_not_contradict_it()
    {
        await using var scope = await StartedAsync(new(Source: "default", Vms: 2, Number: 4));
        await scope.Server.StopAsync();
        foreach (var (other, option) in new (SeedOptions, string)[] { (new(Hosts: 2), "--hosts 2"), (new(Source: "large"), "--seed large"), (new(Profile: "xenserver-8"), "--profile"), (new(Number: 5), "--seed-number 5"), (new(Vdis: 1), "--vdis 1") })
        {
            var start = async () => await ServerHost.StartAsync(scope.Server.Options with { Seed = other });
            (await start.Should().ThrowAsync<StartFailure>()).Which.Message.Should().Contain(option);
        }

        foreach (var same in new SeedOptions[] { new(), new(Hosts: 1), new(Vms: 2, Number: 4) })
        {
            var host = await ServerHost.StartAsync(scope.Server.Options with { Seed = same });
            host.Records.Current.All(host.Records.Model.Class("VM")).Where(v => v.Text("name_label") == "VM 1").Should().ContainSingle();
            await host.DisposeAsync();
        }
    }

    private static async Task<Scope> StartedAsync(SeedOptions seed) => new(await RunningServer.CreateAsync(o => o with { Seed = seed }));

    private static IEnumerable<string> Files(RunningServer server) => Directory.EnumerateFiles(Path.Combine(server.StatePath, "sr"), "*.vhd", SearchOption.AllDirectories);

    private static async Task<Dictionary<string, string>> ObjectsAsync(SeedOptions seed)
    {
        await using var scope = await StartedAsync(seed);
        var client = await scope.Server.LoginAsync();
        var objects = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var @class in Stored)
        {
            foreach (var (reference, record) in (await client.CallAsync(@class + ".get_all_records")).AsObject())
            {
                foreach (var field in OfTheStart)
                    record!.AsObject().Remove(field);
                objects[reference] = Sorted(record!);
            }
        }

        return objects;
    }

    /// <summary>Sets have no order.</summary>
    private static string Sorted(JsonNode record)
    {
        foreach (var (name, value) in record.AsObject().ToList())
        {
            if (value is JsonArray set)
                record[name] = new JsonArray([.. set.Select(i => i!.ToJsonString()).Order(StringComparer.Ordinal).Select(t => JsonValue.Create(t))]);
        }

        return record.ToJsonString();
    }

    private sealed class Scope(RunningServer server) : IAsyncDisposable
    {
        public RunningServer Server => server;

        public async ValueTask DisposeAsync() => await server.DisposeAsync();
    }
}
