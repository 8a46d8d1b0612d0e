using System.Diagnostics;
using System.Text.Json.Nodes;
using FluentAssertions;
using XapiCompat.Datamodel;
using XapiCompat.Disks.Vhd;
using XapiCompat.Server.Checks;
using XapiCompat.Server.Tests.Support;
using XapiCompat.Store;
using XapiCompat.Values;
using Xunit;
using Xunit.Abstractions;

namespace XapiCompat.Server.Tests.Api.Checks;

/// <summary>The check of a whole state: beside the server, without it, and with damage in the records and the files.</summary>
public sealed class CheckCommandTests(ITestOutputHelper output) : IAsyncLifetime
{
    private RunningServer _server = null!;
    private DiskClient _disks = null!;
    private string _sr = "";
    private string _disk = "";
    private string _snapshot = "";

    public async Task InitializeAsync()
    {
        _server = await RunningServer.CreateAsync();
        _disks = await DiskClient.LoginAsync(_server);
        _sr = await _disks.Api.TextAsync("SR.get_uuid", await _disks.DefaultSrAsync());
        var disk = await _disks.CreateAsync(4 << 20);
        await _disks.ImportAsync(disk, [1, 2, 3]);
        _snapshot = await _disks.UuidAsync(await _disks.Api.TextAsync("VDI.snapshot", disk, new JsonObject()));
        _disk = await _disks.UuidAsync(disk);
    }

    public Task DisposeAsync() => _server.DisposeAsync();

    [Fact]
    public async Task Nothing_is_found_in_a_sound_state_beside_the_server_and_without_it()
    {
        (await CheckAsync()).Should().Be((0, ""));
        var changing = Task.Run(async () =>
        {
            for (var round = 0; round < 20; round++)
                await _disks.Api.CallAsync("VDI.destroy", await _disks.CreateAsync(4 << 20));
        });
        for (var round = 0; round < 3; round++)
            (await CheckAsync()).Code.Should().Be(0);
        await changing;
        await _server.StopAsync();
        (await CheckAsync()).Should().Be((0, ""));
        (await CheckAsync("--repair")).Should().Be((0, ""));
        await _server.StartAsync();
    }

    [Fact]
    public async Task What_cannot_be_checked_is_said_in_one_line()
    {
        (await RunAsync("--state", _server.File("nowhere"))).Code.Should().Be(2);
        (await RunAsync("--unknown")).Code.Should().Be(2);
        (await RunAsync("--state")).Code.Should().Be(2);
        var beside = await RunAsync("--state", _server.StatePath, "--repair");
        beside.Code.Should().Be(2);
        beside.Error.Should().Contain("a server runs on");
    }

    [Fact]
    public async Task Records_and_files_that_disagree_are_findings()
    {
        await _server.StopAsync();
        var model = Model.Load();
        using (var store = await RecordStore.OpenAsync(_server.Database, model))
        {
            var vdi = model.Class("VDI");
            var disk = store.Current.FindByUuid(vdi, _disk)!;
            var snapshot = store.Current.FindByUuid(vdi, _snapshot)!;
            var vbd = store.Current.All(model.Class("VBD")).FirstOrDefault();
            // References decide who comes first; the snapshot itself is to have its file.
            store.Commit(unit =>
            {
                unit.Set(disk.Reference, "virtual_size", XenInt.Of(8 << 20));
                unit.Set(snapshot.Reference, "sm_config", XenStruct.Empty.With("vhd-parent", XenString.Of(Guid.NewGuid().ToString())));
                unit.Insert(vdi, "OpaqueRef:11111111-1111-4111-8111-111111111111", [("uuid", Guid.NewGuid().ToString()), ("SR", disk.Target("SR")), ("location", Guid.NewGuid().ToString()), ("managed", true)]);
                unit.Insert(vdi, "OpaqueRef:22222222-2222-4222-8222-222222222222", [("uuid", _disk), ("SR", "OpaqueRef:" + Guid.NewGuid()), ("location", _disk)]);
                unit.Insert(vdi, "OpaqueRef:ffffffff-ffff-4fff-8fff-ffffffffffff", [("uuid", Guid.NewGuid().ToString()), ("SR", disk.Target("SR")), ("location", _snapshot), ("managed", true)]);
            });
        }

        var added = Guid.NewGuid();
        await VhdFile.Create(PathOf(added.ToString()), new() { VirtualSize = 2 << 20, UniqueId = Guid.NewGuid() }).DisposeAsync();
        var (code, lines) = await CheckAsync();
        code.Should().Be(1);
        foreach (var expected in new[]
        {
            "error size-differs VDI " + _disk, "error parent-differs VDI " + _snapshot, "error vdi-without-data VDI ", "error dangling-reference VDI " + _disk,
            "error duplicate-uuid VDI " + _disk, "error duplicate-location VDI ", $"error data-without-vdi SR {_sr} {added}",
        })
            lines.Should().Contain(expected);
        lines.Split('\n', StringSplitOptions.RemoveEmptyEntries).Count(l => l.StartsWith("error", StringComparison.Ordinal)).Should().BeInRange(7, 10, lines);
    }

    [Fact]
    public async Task Damaged_files_are_found_and_repaired()
    {
        await _server.StopAsync();
        await using (var file = File.Open(PathOf(_disk), FileMode.Open))
        {
            file.Seek(-512, SeekOrigin.End);
            await file.WriteAsync(new byte[] { 1, 2, 3, 4 });
        }

        await File.WriteAllTextAsync(PathOf(Guid.NewGuid() + ".vhd.tmp", ""), "x");
        await File.WriteAllTextAsync(PathOf("readme.txt", ""), "x");
        var (code, lines) = await CheckAsync();
        code.Should().Be(1);
        lines.Should().Contain("repairable vhd-FooterCookie").And.Contain("repairable stale-temporary").And.Contain("note foreign-name");
        (code, lines) = await CheckAsync("--repair");
        code.Should().Be(0);
        lines.Should().Contain("repaired vhd-FooterCookie").And.Contain("repaired stale-temporary").And.Contain("note foreign-name");
        (await CheckAsync()).Code.Should().Be(0);
        await _server.StartAsync();
        var disks = await DiskClient.LoginAsync(_server);
        (await disks.ExportAsync(await disks.Api.TextAsync("VDI.get_by_uuid", _disk))).AsSpan(0, 3).ToArray().Should().Equal(1, 2, 3);
    }

    [Fact]
    public async Task A_database_that_is_damaged_is_a_finding()
    {
        await _server.StopAsync();
        await using (var file = File.Open(_server.Database, FileMode.Open))
        {
            for (var page = 4096L * 3; page < file.Length; page += 4096)
            {
                file.Seek(page + 100, SeekOrigin.Begin);
                await file.WriteAsync(new byte[64]);
            }
        }

        var result = await RunAsync("--state", _server.StatePath, "--json");
        result.Code.Should().Be(1);
        var report = JsonNode.Parse(result.Output)!;
        report["clean"]!.GetValue<bool>().Should().BeFalse();
        report["running"]!.GetValue<bool>().Should().BeFalse();
        report["findings"]!.AsArray().Should().Contain(f => f!["code"]!.GetValue<string>() == "database" && f["level"]!.GetValue<string>() == "error");
    }

    [Fact]
    public async Task An_SR_without_its_directory_is_a_finding()
    {
        await _server.StopAsync();
        Directory.Move(Path.GetDirectoryName(PathOf(_disk))!, _server.File("away"));
        (await CheckAsync()).Lines.Should().Contain("error sr SR " + _sr);
    }

    [Fact]
    public async Task Ten_thousand_disks_are_checked_in_seconds()
    {
        var count = Soak.IsOn ? 10_000 : 2_000;
        for (var i = 0; i < count; i++)
            await VhdFile.Create(PathOf(Guid.NewGuid().ToString()), new() { VirtualSize = 64 << 20, UniqueId = Guid.NewGuid() }).DisposeAsync();
        await _disks.Api.CallAsync("SR.scan", await _disks.DefaultSrAsync());
        var start = Stopwatch.GetTimestamp();
        (await CheckAsync()).Should().Be((0, ""));
        output.WriteLine($"{count} disks: {Stopwatch.GetElapsedTime(start).TotalSeconds:0.0} s");
    }

    private string PathOf(string key, string suffix = ".vhd") => Path.Combine(_server.StatePath, "sr", _sr, key + suffix);

    /// <summary>The exit code, and the lines but the last.</summary>
    private async Task<(int Code, string Lines)> CheckAsync(params string[] more)
    {
        var (code, lines, error) = await RunAsync([.. more, "--state", _server.StatePath]);
        error.Should().BeEmpty();
        output.WriteLine(lines);
        var all = lines.TrimEnd('\n').Split('\n');
        all[^1].Should().Contain("repositories");
        return (code, string.Join('\n', all[..^1]));
    }

    private static async Task<(int Code, string Output, string Error)> RunAsync(params string[] arguments)
    {
        using var text = new StringWriter { NewLine = "\n" };
        using var errors = new StringWriter { NewLine = "\n" };
        var code = await CheckCommand.RunAsync(arguments, text, errors);
        return (code, text.ToString(), errors.ToString());
    }
}
