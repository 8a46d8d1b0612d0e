using System.Net;
using System.Text.Json.Nodes;
using FluentAssertions;
using XapiCompat.Core.Services;
using XapiCompat.Server.Tests.Support;
using Xunit;

namespace XapiCompat.Server.Tests.Api.Semantics;

/// <summary>
/// A call fails and what it made cannot be taken back either: the error is the first one, no VDI tells of the rest, and the next
/// attach of the SR removes it. And a disk that moves takes along all that was acknowledged.
/// </summary>
public sealed class FailedCleanUpTests : IAsyncLifetime
{
    private const int MiB = 1 << 20;
    private static readonly TimeSpan HangCap = TimeSpan.FromSeconds(60);

    private RunningServer _server = null!;
    private DiskClient _disks = null!;
    private string _host = "";
    private string _other = "";

    public async Task InitializeAsync()
    {
        _server = await RunningServer.CreateAsync(options => options with { Lab = new() });
        await LoginAsync();
        _other = await _disks.Api.TextAsync("SR.create", _host, JsonArguments.Map(("device", "/dev/other")), 0, "other", "", "ext", "user", false, JsonArguments.Map());
    }

    public Task DisposeAsync() => _server.DisposeAsync();

    [Theory]
    [InlineData("VDI.copy", "file.write", 12)]
    [InlineData("VDI.pool_migrate", "file.write", 12)]
    [InlineData("VM.snapshot", "tree.write-leaf", 2)]
    [InlineData("VM.clone", "tree.write-leaf", 2)]
    [InlineData("VM.copy", "file.write", 20)]
    public async Task Nothing_is_shown_of_what_could_not_be_taken_back(string message, string point, int passing)
    {
        var (vm, first, second) = await MachineAsync();
        object?[] arguments = message switch
        {
            "VDI.copy" => [first, _other],
            "VDI.pool_migrate" => [first, _other, JsonArguments.Map()],
            "VM.copy" => [vm, "copy", _other],
            _ => [vm, "copy"],
        };
        var before = await ManagedAsync();
        await LabAsync("fault_set", ("point", point), ("passing", passing.ToString(System.Globalization.CultureInfo.InvariantCulture)), ("call", message), ("action", "error"), ("error", "ENOSPC"));
        await LabAsync("fault_set", ("point", "file.delete"), ("call", message), ("action", "error"), ("error", "EIO"), ("stays", "true"));
        (await _disks.Api.ErrorAsync(message, arguments))[0].Should().Be("SR_BACKEND_FAILURE_44");
        JsonNode.Parse(await LabAsync("fault_list"))!.AsArray().Should().OnlyContain(f => f!["reached_at"] != null, "both happened");
        await LabAsync("fault_clear");

        (await ManagedAsync()).Should().BeEquivalentTo(before);
        await ScanAsync();
        (await ManagedAsync()).Should().BeEquivalentTo(before, "a scan must not show what a start removes");
        _server.Host.Records.Intents.Should().NotBeEmpty();
        await _server.RestartAsync();
        await LoginAsync();
        _server.Host.Records.Intents.Should().BeEmpty();
        await ScanAsync();
        (await ManagedAsync()).Should().BeEquivalentTo(before);
        (await _disks.ExportAsync(first))[0].Should().Be(1);
        (await _disks.ExportAsync(second))[0].Should().Be(2);
        JsonNode.Parse(await LabAsync("check"))!["findings"]!.AsArray().Should().BeEmpty();
    }

    [Fact]
    public async Task What_was_left_in_an_SR_that_was_away_at_the_start_goes_when_it_is_plugged()
    {
        var (_, first, _) = await MachineAsync();
        await LabAsync("fault_set", ("point", "file.write"), ("passing", "12"), ("call", "VDI.copy"), ("action", "error"), ("error", "ENOSPC"));
        await LabAsync("fault_set", ("point", "file.delete"), ("call", "VDI.copy"), ("action", "error"), ("error", "EIO"), ("stays", "true"));
        await _disks.Api.ErrorAsync("VDI.copy", first, _other);
        await LabAsync("fault_clear");
        var directory = JsonNode.Parse(await LabAsync("tree_show", ("sr", _other)))!["directory"]!.GetValue<string>();
        Directory.EnumerateFiles(directory, "*.vhd").Should().ContainSingle();
        await _server.StopAsync();
        Directory.Move(directory, directory + ".away");
        File.WriteAllText(directory, "no directory");
        await _server.StartAsync();
        await LoginAsync();
        var pbd = (await _disks.Api.ListAsync("SR.get_PBDs", _other))[0];
        (await _disks.Api.CallAsync("PBD.get_currently_attached", pbd)).GetValue<bool>().Should().BeFalse();
        File.Delete(directory);
        Directory.Move(directory + ".away", directory);

        await _disks.Api.CallAsync("PBD.plug", pbd);
        Directory.EnumerateFiles(directory, "*.vhd").Should().BeEmpty();
        (await _disks.Api.ListAsync("SR.get_VDIs", _other)).Should().BeEmpty();
        _server.Host.Records.Intents.Should().BeEmpty();
    }

    [Fact]
    public async Task Nobody_writes_to_a_disk_while_it_moves()
    {
        var (vm, first, second) = await MachineAsync();
        var rule = await LabAsync("fault_set", ("point", "file.write"), ("passing", "9"), ("call", "VDI.pool_migrate"), ("action", "pause"));
        var move = Task.Run(() => _disks.Api.TextAsync("VDI.pool_migrate", first, _other, JsonArguments.Map()));
        var start = DateTime.UtcNow;
        while (JsonNode.Parse(await LabAsync("fault_list"))!.AsArray().Single()!["reached_at"] is null)
        {
            (DateTime.UtcNow - start).Should().BeLessThan(HangCap);
            await Task.Delay(10);
        }

        using (var content = new ByteArrayContent([9, 9, 9]))
        using (var answer = await _server.Http.PutAsync($"/import_raw_vdi?session_id={_disks.Api.Session}&vdi={first}&format=raw", content))
            answer.StatusCode.Should().Be(HttpStatusCode.InternalServerError);
        (await ErrorAsync("nbd_export_start", ("vdi", first), ("writable", "true"))).Take(4).Should().Equal("OTHER_OPERATION_IN_PROGRESS", "VDI", first, "mirror");
        (await _disks.Api.ErrorAsync("VDI.copy", second, Records.Null, Records.Null, first)).Take(4).Should().Equal("OTHER_OPERATION_IN_PROGRESS", "VDI", first, "mirror");

        await LabAsync("fault_clear", ("id", rule));
        var moved = await move.WaitAsync(HangCap);
        (await _disks.ExportAsync(moved))[0].Should().Be(1);
        await _disks.ImportAsync(moved, [3]);
        (await _disks.ExportAsync(moved))[0].Should().Be(3);
        _server.Host.Records.Intents.Should().BeEmpty();
        await _disks.Api.CallAsync("VM.destroy", vm);
    }

    /// <summary>The database fails as well: the caller hears of the first failure only, and the promise stays for the next attach.</summary>
    [Fact]
    public async Task A_failure_to_write_down_what_was_taken_back_is_none_of_the_callers()
    {
        var records = _server.Host.Records;
        var problems = new List<string>();
        await using var storage = new StorageHost(records, [], new(_server.File("plans"), durable: false)) { OnProblem = (_, text) => problems.Add(text) };
        var ids = new IdSource();
        var work = new VolumeWork(records, storage, new(storage, new(new(records, ids, TimeProvider.System)), ids), ids, TimeProvider.System);
        (await work.DiscardAsync([], _ => throw new InvalidOperationException("the disk of the database is full"))).Should().BeFalse();
        problems.Should().ContainSingle().Which.Should().Contain("the disk of the database is full");
        (await work.DiscardAsync([], _ => { })).Should().BeTrue();
    }

    private async Task LoginAsync()
    {
        _disks = await DiskClient.LoginAsync(_server);
        _host = (await _disks.Api.ListAsync("host.get_all"))[0];
    }

    private async Task<(string Vm, string First, string Second)> MachineAsync()
    {
        var vm = await _disks.Api.TextAsync("VM.create", Records.Vm("machine"));
        var made = new List<string>();
        for (byte i = 1; i <= 2; i++)
        {
            var disk = await _disks.CreateAsync(8 * MiB, "disk " + i);
            var data = new byte[5 * MiB];
            data.AsSpan().Fill(i);
            await _disks.ImportAsync(disk, data);
            await _disks.Api.CallAsync("VBD.create", Records.Vbd(vm, disk, (i - 1).ToString(System.Globalization.CultureInfo.InvariantCulture)));
            made.Add(disk);
        }

        return (vm, made[0], made[1]);
    }

    private async Task ScanAsync()
    {
        foreach (var sr in (string[])[await _disks.DefaultSrAsync(), _other])
            await _disks.Api.CallAsync("SR.scan", sr);
    }

    private async Task<List<string>> ManagedAsync()
    {
        var managed = new List<string>();
        foreach (var vdi in await _disks.Api.ListAsync("VDI.get_all"))
        {
            if ((await _disks.Api.CallAsync("VDI.get_managed", vdi)).GetValue<bool>())
                managed.Add(vdi);
        }

        return managed;
    }

    private Task<string> LabAsync(string function, params (string, object?)[] arguments) =>
        _disks.Api.TextAsync("host.call_plugin", _host, "xapicompat", function, JsonArguments.Map(arguments));

    private Task<IReadOnlyList<string>> ErrorAsync(string function, params (string, object?)[] arguments) =>
        _disks.Api.ErrorAsync("host.call_plugin", _host, "xapicompat", function, JsonArguments.Map(arguments));
}
