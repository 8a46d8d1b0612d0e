using System.Text.Json.Nodes;
using FluentAssertions;
using Microsoft.Data.Sqlite;
using XapiCompat.Datamodel;
using XapiCompat.Server.Tests.Support;
using XapiCompat.Values;
using Xunit;

namespace XapiCompat.Server.Tests.Api;

/// <summary>What a restart keeps, forgets, refuses, finishes and undoes.</summary>
public sealed class RestartTests : IAsyncLifetime
{
    private static readonly Model Model = Model.Load();

    private readonly RunningServer _server = new();

    public Task InitializeAsync() => _server.InitializeAsync();

    public Task DisposeAsync() => _server.DisposeAsync();

    [Fact]
    public async Task Objects_of_persistent_classes_stay_as_they_were()
    {
        var rig = await VmRig.CreateAsync(_server);
        var snapshot = await rig.SnapshotAsync();
        await rig.Api.CallAsync("VM.revert", snapshot);
        await rig.Api.CallAsync("secret.create", JsonArguments.Map(("value", "kept \"<&>\" 東"), ("other_config", JsonArguments.Map(("k", "v")))));
        var before = await AllAsync(rig.Api);

        await _server.RestartAsync();
        var after = await AllAsync(await _server.LoginAsync());
        foreach (var (@class, records) in before)
        {
            foreach (var (reference, record) in records.AsObject())
            {
                var now = after[@class]![reference]?.AsObject();
                now.Should().NotBeNull(@class + " " + reference);
                foreach (var (field, value) in record!.AsObject())
                {
                    if (!ChangesAtStart(@class, field))
                        Normal(now![field]).Should().Be(Normal(value), @class + "." + field);
                }
            }

            after[@class]!.AsObject().Should().HaveSameCount(records.AsObject(), @class);
        }
    }

    [Fact]
    public async Task Sessions_and_tasks_are_gone()
    {
        var old = await _server.LoginAsync();
        var task = await old.TextAsync("task.create", "mine", "");
        await _server.RestartAsync();
        (await new JsonWire(_server.Http).CallAsync("pool.get_all", [old.Session])).Error.Should().Equal("SESSION_INVALID", old.Session);
        var client = await _server.LoginAsync();
        (await client.ErrorAsync("task.get_status", task)).Should().Equal("HANDLE_INVALID", "task", task);
        (await client.ListAsync("task.get_all")).Should().BeEmpty();
    }

    [Fact]
    public async Task Operations_under_way_are_forgotten()
    {
        var rig = await VmRig.CreateAsync(_server);
        var vdi = (await rig.DisksAsync())["0"];
        foreach (var (reference, operation) in new[] { (rig.Vm, "snapshot"), (vdi, "clone"), (await rig.Disks.DefaultSrAsync(), "scan") })
            _server.Host.Records.Commit(unit => unit.Set(reference, "current_operations", XenStruct.Of(("OpaqueRef:gone", operation))));
        await _server.RestartAsync();
        var client = await _server.LoginAsync();
        foreach (var @class in (string[])["VM", "VDI", "SR", "VBD", "VIF", "host", "pool"])
        {
            foreach (var (_, record) in (await client.CallAsync(@class + ".get_all_records")).AsObject())
                record!["current_operations"]!.AsObject().Should().BeEmpty();
        }

        await client.CallAsync("VDI.snapshot", vdi);
    }

    [Fact]
    public async Task Tokens_go_on_growing_and_old_ones_still_hold()
    {
        var client = await _server.LoginAsync();
        var vm = await client.TextAsync("VM.create", Records.Vm("watched"));
        var token = (await client.CallAsync("event.from", new[] { "VM" }, "", 30.0))["token"]!.GetValue<string>();
        await client.CallAsync("VM.set_name_label", vm, "changed before the restart");
        await _server.RestartAsync();
        client = await _server.LoginAsync();
        var later = await client.TextAsync("VM.create", Records.Vm("made after"));
        var answer = (await client.CallAsync("event.from", new[] { "VM" }, token, 30.0)).AsObject();
        string.CompareOrdinal(answer["token"]!.GetValue<string>(), token).Should().BePositive();
        var events = answer["events"]!.AsArray();
        events.Single(e => e!["ref"]!.GetValue<string>() == vm)!["operation"]!.GetValue<string>().Should().Be("mod");
        events.Single(e => e!["ref"]!.GetValue<string>() == later)!["operation"]!.GetValue<string>().Should().Be("add");
    }

    [Fact]
    public async Task Contents_and_identities_of_disks_stay()
    {
        var disks = await DiskClient.LoginAsync(_server);
        var vdi = await disks.CreateAsync(4 * Records.MiB);
        await disks.ImportAsync(vdi, [.. Enumerable.Repeat((byte)9, 70000)]);
        var snapshot = await disks.Api.TextAsync("VDI.snapshot", vdi);
        await disks.ImportAsync(vdi, [.. Enumerable.Repeat((byte)8, 100)]);
        string[] hashes = [await disks.HashAsync(vdi), await disks.HashAsync(snapshot)];
        var id = SparseVhd.Id(await disks.ExportAsync(snapshot, "vhd"));
        await _server.RestartAsync();
        disks = await DiskClient.LoginAsync(_server);
        ((string[])[await disks.HashAsync(vdi), await disks.HashAsync(snapshot)]).Should().Equal(hashes);
        SparseVhd.Id(await disks.ExportAsync(snapshot, "vhd")).Should().Be(id, "the footer's id belongs to the state of the data");
    }

    [Fact]
    public async Task The_inventory_is_planted_once()
    {
        var client = await _server.LoginAsync();
        var pool = await client.CallAsync("pool.get_all_records");
        var counts = _server.Host.Records.Model.Classes.Where(c => c.Persistent).Select(c => _server.Host.Records.Current.All(c).Count()).ToList();
        await _server.RestartAsync();
        JsonNode.DeepEquals(await (await _server.LoginAsync()).CallAsync("pool.get_all_records"), pool).Should().BeTrue();
        _server.Host.Records.Model.Classes.Where(c => c.Persistent).Select(c => _server.Host.Records.Current.All(c).Count()).Should().Equal(counts);
    }

    [Fact]
    public async Task A_state_of_a_newer_version_is_refused_and_left_alone()
    {
        await _server.StopAsync();
        Sql("PRAGMA user_version=999");
        var start = () => _server.StartAsync();
        (await start.Should().ThrowAsync<StartFailure>()).Which.Message.Should().Contain("newer version").And.NotContain("\n");
        Sql("PRAGMA user_version=1");
        await _server.StartAsync();
        (await (await _server.LoginAsync()).ListAsync("pool.get_all")).Should().HaveCount(1);
    }

    [Fact]
    public async Task A_second_server_on_the_directory_is_refused()
    {
        var start = () => ServerHost.StartAsync(_server.Options);
        (await start.Should().ThrowAsync<StartFailure>()).Which.Message.Should().Contain("in use").And.NotContain("\n");
        (await (await _server.LoginAsync()).ListAsync("pool.get_all")).Should().HaveCount(1);
    }

    [Fact]
    public async Task A_busy_port_is_refused_and_frees_the_directory()
    {
        var port = _server.Port;
        var other = await RunningServer.CreateAsync();
        try
        {
            await other.StopAsync();
            var start = () => ServerHost.StartAsync(other.Options with { Http = new(System.Net.IPAddress.Loopback, port) });
            (await start.Should().ThrowAsync<StartFailure>()).Which.Message.Should().Contain("listen");
            await other.StartAsync();
        }
        finally
        {
            await other.DisposeAsync();
        }
    }

    [Theory]
    [InlineData("create")]
    [InlineData("snapshot")]
    [InlineData("clone")]
    public async Task A_volume_without_a_record_is_undone(string operation)
    {
        var disks = await DiskClient.LoginAsync(_server);
        var vdi = await disks.CreateAsync(4 * Records.MiB);
        await disks.ImportAsync(vdi, [.. Enumerable.Repeat((byte)5, 512)]);
        var hash = await disks.HashAsync(vdi);
        var method = operation == "create" ? await disks.CreateAsync(Records.MiB) : await disks.Api.TextAsync("VDI." + operation, vdi);
        var uuid = await disks.UuidAsync(method);
        var sr = await disks.Api.TextAsync("SR.get_uuid", await disks.DefaultSrAsync());
        await _server.StopAsync();

        // As if the process had died between the files and the records.
        Sql("DELETE FROM objects WHERE uuid = '" + uuid + "'");
        Sql($"INSERT INTO intents (id, sr, operation, keys) VALUES ('{Guid.NewGuid()}', '{sr}', '{operation}', '{uuid}')");
        await _server.StartAsync();
        disks = await DiskClient.LoginAsync(_server);
        (await disks.Api.ErrorAsync("VDI.get_by_uuid", uuid)).Should().Equal("UUID_INVALID", "VDI", uuid);
        Directory.EnumerateFiles(_server.StatePath, uuid + "*", SearchOption.AllDirectories).Should().BeEmpty();
        (await disks.HashAsync(vdi)).Should().Be(hash);
        _server.Host.Records.Intents.Should().BeEmpty();
        await AccountsForItsFilesAsync(disks);
    }

    [Fact]
    public async Task A_promised_volume_that_was_never_made_is_forgotten()
    {
        var disks = await DiskClient.LoginAsync(_server);
        var sr = await disks.Api.TextAsync("SR.get_uuid", await disks.DefaultSrAsync());
        await _server.StopAsync();
        Sql($"INSERT INTO intents (id, sr, operation, keys) VALUES ('{Guid.NewGuid()}', '{sr}', 'snapshot', '{Guid.NewGuid()}')");
        await _server.StartAsync();
        _server.Host.Records.Intents.Should().BeEmpty();
        await AccountsForItsFilesAsync(await DiskClient.LoginAsync(_server));
    }

    [Fact]
    public async Task An_interrupted_destroy_is_finished()
    {
        var disks = await DiskClient.LoginAsync(_server);
        var vdi = await disks.CreateAsync(4 * Records.MiB);
        await disks.ImportAsync(vdi, [.. Enumerable.Repeat((byte)5, 512)]);
        var snapshot = await disks.Api.TextAsync("VDI.snapshot", vdi);
        var hash = await disks.HashAsync(snapshot);
        var uuid = await disks.UuidAsync(vdi);
        var sr = await disks.Api.TextAsync("SR.get_uuid", await disks.DefaultSrAsync());
        await _server.StopAsync();
        Sql($"INSERT INTO intents (id, sr, operation, keys) VALUES ('{Guid.NewGuid()}', '{sr}', 'destroy', '{uuid}')");
        await _server.StartAsync();
        disks = await DiskClient.LoginAsync(_server);
        (await disks.Api.ErrorAsync("VDI.get_uuid", vdi)).Should().Equal("HANDLE_INVALID", "VDI", vdi);
        Directory.EnumerateFiles(_server.StatePath, uuid + "*", SearchOption.AllDirectories).Should().BeEmpty();
        (await disks.HashAsync(snapshot)).Should().Be(hash);
        await AccountsForItsFilesAsync(disks);
    }

    /// <summary>Every VHD belongs to a record and every record has its VHD.</summary>
    private async Task AccountsForItsFilesAsync(DiskClient disks)
    {
        var records = (await disks.Api.CallAsync("VDI.get_all_records")).AsObject().Select(r => r.Value!["uuid"]!.GetValue<string>());
        var files = Directory.EnumerateFiles(Path.Combine(_server.StatePath, "sr"), "*.vhd*", SearchOption.AllDirectories).Select(f => Path.GetFileName(f)!);
        files.Should().BeEquivalentTo(records.Select(r => r + ".vhd"));
    }

    private void Sql(string statement)
    {
        using var connection = new SqliteConnection(new SqliteConnectionStringBuilder { DataSource = _server.Database, Pooling = false }.ToString());
        connection.Open();
        using var command = connection.CreateCommand();
        command.CommandText = statement;
        command.ExecuteNonQuery();
    }

    private static async Task<Dictionary<string, JsonNode>> AllAsync(XenClient client)
    {
        var all = new Dictionary<string, JsonNode>();
        foreach (var message in Model.Messages.Where(m => m.Kind == MessageKind.GetAllRecords && m.Class.Persistent && !m.Removed))
            all[message.Class.Name] = await client.CallAsync(message.FullName);
        return all;
    }

    private static bool ChangesAtStart(string @class, string field) => (@class, field) switch
    {
        ("host_metrics", "last_updated") or ("host", "other_config") or ("SR", "physical_utilisation") => true,
        ("VBD" or "VIF", "metrics") => true,
        _ => !Model.Class(@class).Find(field)!.Persist,
    };

    /// <summary>Sets of references have no order.</summary>
    private static string Normal(JsonNode? value) =>
        value is JsonArray array ? string.Join(' ', array.Select(i => i!.ToJsonString()).Order(StringComparer.Ordinal))
        : value is JsonObject map ? string.Join(' ', map.Select(m => m.Key + "=" + m.Value!.ToJsonString()).Order(StringComparer.Ordinal))
        : value!.ToJsonString();
}
