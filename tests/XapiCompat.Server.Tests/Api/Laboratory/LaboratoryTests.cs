using System.Net;
using System.Text.Json.Nodes;
using FluentAssertions;
using XapiCompat.Server.Tests.Support;
using Xunit;

namespace XapiCompat.Server.Tests.Api.Laboratory;

/// <summary>The tree laboratory over host.call_plugin and over HTTP.</summary>
public sealed class LaboratoryTests : IAsyncLifetime
{
    private RunningServer _server = null!;
    private DiskClient _disks = null!;
    private string _host = "";
    private string _sr = "";

    public async Task InitializeAsync()
    {
        _server = await RunningServer.CreateAsync(options => options with { Lab = new() });
        _disks = await DiskClient.LoginAsync(_server);
        _host = (await _disks.Api.ListAsync("host.get_all"))[0];
        _sr = await _disks.DefaultSrAsync();
    }

    public Task DisposeAsync() => _server.DisposeAsync();

    [Fact]
    public async Task It_is_off_unless_asked_for()
    {
        await using var server = await RunningServer.CreateAsync();
        var api = await server.LoginAsync();
        var host = (await api.ListAsync("host.get_all"))[0];
        (await api.ErrorAsync("host.call_plugin", host, "xapicompat", "fault_set", new JsonObject()))[0].Should().Be("UNKNOWN_XENAPI_PLUGIN_FUNCTION");
        (await api.ErrorAsync("host.call_plugin", host, "xapicompat", "tree_show", new JsonObject()))[0].Should().Be("UNKNOWN_XENAPI_PLUGIN_FUNCTION");
        using var answer = await server.Http.GetAsync("/lab/");
        answer.StatusCode.Should().Be(HttpStatusCode.NotFound);
        File.Exists(Path.Combine(server.StatePath, "lab.token")).Should().BeFalse();
    }

    [Fact]
    public async Task A_tree_is_shown()
    {
        var disk = await _disks.CreateAsync(8 << 20, "shown");
        await _disks.ImportAsync(disk, [1]);
        var snapshot = await _disks.Api.TextAsync("VDI.snapshot", disk, new JsonObject());
        await _disks.ImportAsync(disk, [2]);
        var nodes = JsonNode.Parse(await CallAsync("tree_show", ("sr", _sr)))!["nodes"]!.AsArray();
        var leaf = nodes.Single(n => n!["uuid"]!.GetValue<string>() == UuidOf(disk))!;
        var other = nodes.Single(n => n!["uuid"]!.GetValue<string>() == UuidOf(snapshot))!;
        var parent = nodes.Single(n => n!["uuid"]!.GetValue<string>() == leaf["parent"]!.GetValue<string>())!;
        leaf["blocks"]!.GetValue<int>().Should().Be(1);
        leaf["depth"]!.GetValue<int>().Should().Be(2);
        leaf["virtual_size"]!.GetValue<long>().Should().Be(8 << 20);
        leaf["vdis"]![0]!["ref"]!.GetValue<string>().Should().Be(disk);
        other["blocks"]!.GetValue<int>().Should().Be(0);
        other["vdis"]![0]!["is_a_snapshot"]!.GetValue<bool>().Should().BeTrue();
        parent["hidden"]!.GetValue<bool>().Should().BeTrue();
        parent["vdis"]![0]!["managed"]!.GetValue<bool>().Should().BeFalse();
    }

    [Fact]
    public async Task A_chain_is_made_and_taken_away()
    {
        var disk = await _disks.CreateAsync(4 << 20, "deep");
        await _disks.ImportAsync(disk, [7]);
        var id = await CallAsync("chain_make", ("vdi", disk), ("depth", "12"));
        (await DepthAsync(disk)).Should().Be(12);
        (await _disks.Api.ListAsync("VDI.get_snapshots", disk)).Should().HaveCount(11);
        (await _disks.ExportAsync(disk))[0].Should().Be(7);
        await CallAsync("planted_undo", ("id", id));
        (await _disks.Api.ListAsync("VDI.get_snapshots", disk)).Should().BeEmpty();
        (await _disks.ExportAsync(disk))[0].Should().Be(7);
        (await ErrorAsync("chain_make", ("vdi", disk), ("depth", "40")))[0].Should().Be("SR_BACKEND_FAILURE_109");
        await CallAsync("planted_undo");
        (await ErrorAsync("chain_make", ("vdi", disk), ("depth", "0")))[0].Should().Be("INVALID_VALUE");
    }

    [Fact]
    public async Task An_orphan_base_is_planted_and_found_by_check()
    {
        var id = await CallAsync("plant_orphan_base", ("sr", _sr));
        (await CheckAsync()).Should().Contain("abandoned-base");
        (await CallAsync("planted_list")).Should().Contain("orphan base");
        await CallAsync("planted_undo", ("id", id));
        (await CheckAsync()).Should().BeEmpty();
        (await ErrorAsync("planted_undo", ("id", id)))[0].Should().Be("INVALID_VALUE");
    }

    [Fact]
    public async Task A_stale_parent_is_planted_and_put_right_by_a_scan()
    {
        var disk = await _disks.CreateAsync(4 << 20, "stale");
        await CallAsync("plant_stale_parent", ("vdi", disk));
        (await _disks.RecordAsync(disk))["sm_config"]!.AsObject().Should().ContainKey("vhd-parent");
        (await CheckAsync()).Should().Equal("parent-differs");
        await CallAsync("planted_undo");
        (await CheckAsync()).Should().BeEmpty();
        await CallAsync("plant_stale_parent", ("vdi", disk));
        await _disks.Api.CallAsync("SR.scan", _sr);
        (await CheckAsync()).Should().BeEmpty();
        await CallAsync("planted_undo");
    }

    [Fact]
    public async Task A_bad_footer_is_planted_and_taken_away()
    {
        var disk = await _disks.CreateAsync(4 << 20, "bad");
        await _disks.ImportAsync(disk, [9]);
        await CallAsync("plant_bad_footer", ("vdi", disk));
        (await CheckAsync()).Should().Equal("vhd-FooterCookie");
        (await _disks.ExportAsync(disk))[0].Should().Be(9);
        await CallAsync("planted_undo");
        (await CheckAsync()).Should().BeEmpty();
    }

    [Fact]
    public async Task A_bad_footer_is_taken_away_from_the_base_that_its_file_has_become()
    {
        var disk = await _disks.CreateAsync(4 << 20, "bad");
        await _disks.ImportAsync(disk, [9]);
        await CallAsync("plant_bad_footer", ("vdi", disk));
        await _disks.Api.CallAsync("VDI.snapshot", disk, new JsonObject());
        (await CheckAsync()).Should().Equal("vhd-FooterCookie");
        await CallAsync("planted_undo");
        (await CheckAsync()).Should().BeEmpty();
        (await _disks.ExportAsync(disk))[0].Should().Be(9);
    }

    [Fact]
    public async Task No_chain_is_made_of_what_has_none()
    {
        var plain = await _disks.CreateAsync(4 << 20, "plain", ("sm_config", JsonArguments.Map(("type", "raw"))));
        (await ErrorAsync("chain_make", ("vdi", plain), ("depth", "3"))).Should().Equal("UNIMPLEMENTED_IN_SM_BACKEND", _sr);
        (await CallAsync("flatten_vdi", ("vdi", plain))).Should().Be("true", "it depends on no other");
        var disk = await _disks.CreateAsync(4 << 20, "tracked");
        await _disks.Api.CallAsync("VDI.enable_cbt", disk);
        var snapshot = await _disks.Api.TextAsync("VDI.snapshot", disk, new JsonObject());
        await _disks.Api.CallAsync("VDI.data_destroy", snapshot);
        foreach (var function in (string[])["chain_make", "flatten_vdi"])
            (await ErrorAsync(function, ("vdi", snapshot), ("depth", "3"))).Should().Equal("VDI_INCOMPATIBLE_TYPE", snapshot, "CBT metadata");
    }

    [Fact]
    public async Task A_full_SR_is_planted_and_taken_away()
    {
        var disk = await _disks.CreateAsync(4 << 20, "kept");
        await _disks.ImportAsync(disk, [3]);
        var id = await CallAsync("plant_full_sr", ("sr", _sr));
        (await _disks.Api.ErrorAsync("VDI.create", Records.Vdi(_sr, 4 << 20, "new")))[0].Should().Be("SR_BACKEND_FAILURE_44");
        (await _disks.Api.ErrorAsync("VDI.snapshot", disk, new JsonObject()))[0].Should().Be("SR_BACKEND_FAILURE_44");
        (await _disks.ExportAsync(disk))[0].Should().Be(3);
        await CallAsync("planted_undo", ("id", id));
        await _disks.Api.CallAsync("VDI.snapshot", disk, new JsonObject());
        (await CheckAsync()).Should().BeEmpty();
    }

    [Fact]
    public async Task The_collector_is_paused_and_moved_on_by_hand()
    {
        await CallAsync("collector_pause", ("sr", _sr));
        (await _disks.Api.RecordAsync("SR", _sr))["other_config"]!["gc"]!.GetValue<string>().Should().Be("false");
        var disk = await _disks.CreateAsync(4 << 20, "collected");
        await _disks.ImportAsync(disk, [1]);
        var snapshot = await _disks.Api.TextAsync("VDI.snapshot", disk, new JsonObject());
        await _disks.ImportAsync(disk, [2]);
        await _disks.Api.CallAsync("VDI.destroy", snapshot);
        await _disks.Api.CallAsync("host.call_plugin", _host, "xapicompat", "coalesce_now", JsonArguments.Map(("sr", _sr)));
        (await DepthAsync(disk)).Should().Be(2);
        var kinds = new List<string>();
        while (kinds.LastOrDefault() != "none")
            kinds.Add(JsonNode.Parse(await CallAsync("collector_step", ("sr", _sr)))!["kind"]!.GetValue<string>());
        kinds.Should().Contain("merge-leaf");
        (await DepthAsync(disk)).Should().Be(1);
        (await _disks.ExportAsync(disk))[0].Should().Be(2);
        await CallAsync("planted_undo");
        (await _disks.Api.RecordAsync("SR", _sr))["other_config"]!.AsObject().Should().NotContainKey("gc");
    }

    [Fact]
    public async Task Points_fail_and_stand_still()
    {
        var disk = await _disks.CreateAsync(4 << 20, "points");
        await _disks.ImportAsync(disk, [5]);
        await CallAsync("fault_trace", ("switch", "on"));
        await _disks.Api.CallAsync("VDI.snapshot", disk, new JsonObject());
        var passed = JsonNode.Parse(await CallAsync("fault_trace"))!.AsArray().Select(p => p![0]!.GetValue<string>() + " " + p[1]!.GetValue<string>()).ToList();
        await CallAsync("fault_trace", ("switch", "off"));
        passed.Should().ContainInOrder("VDI.snapshot commit.before", "VDI.snapshot tree.write-leaf", "VDI.snapshot tree.link-base", "VDI.snapshot tree.switch-leaf", "VDI.snapshot tree.done", "VDI.snapshot commit.after");

        await _disks.ImportAsync(disk, [6]);
        await CallAsync("fault_set", ("point", "tree.switch-leaf"), ("call", "VDI.snapshot"), ("action", "error"), ("error", "ENOSPC"));
        (await _disks.Api.ErrorAsync("VDI.snapshot", disk, new JsonObject()))[0].Should().Be("SR_BACKEND_FAILURE_44");
        await _disks.Api.CallAsync("VDI.snapshot", disk, new JsonObject());

        await _disks.ImportAsync(disk, [7]);
        var rule = await CallAsync("fault_set", ("point", "tree.switch-leaf"), ("call", "Async.VDI.snapshot"), ("action", "pause"));
        var task = await _disks.Api.TextAsync("Async.VDI.snapshot", disk, new JsonObject());
        using var cap = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        while (!(await CallAsync("fault_list")).Contains("\"reached_at\":\"tree.switch-leaf\"", StringComparison.Ordinal))
            await Task.Delay(10, cap.Token);
        (await _disks.Api.TextAsync("task.get_status", task)).Should().Be("pending");
        await CallAsync("fault_clear", ("id", rule));
        (await _disks.Api.FinishedAsync(task))["status"]!.GetValue<string>().Should().Be("success");
        (await ErrorAsync("fault_set", ("action", "explode"))).Should().Equal("INVALID_VALUE", "action", "explode");
        (await ErrorAsync("fault_set", ("action", "error"), ("error", "ENOENT")))[0].Should().Be("INVALID_VALUE");
        (await ErrorAsync("fault_set", ("passing", "x")))[0].Should().Be("INVALID_VALUE");
    }

    [Fact]
    public async Task The_same_functions_answer_over_HTTP_on_loopback_with_the_token_and_to_no_web_page()
    {
        var path = Path.Combine(_server.StatePath, "lab.token");
        File.GetUnixFileMode(path).Should().Be(UnixFileMode.UserRead | UnixFileMode.UserWrite);
        var token = await File.ReadAllTextAsync(path);
        (await PostAsync("tree_show?sr=" + _sr, token)).Should().Be(HttpStatusCode.OK);
        (await PostAsync("nothing", token)).Should().Be(HttpStatusCode.NotFound);
        (await PostAsync("tree_show", token)).Should().Be(HttpStatusCode.BadRequest);
        (await PostAsync("tree_show", token, body: "{\"sr\":\"" + _sr + "\"}")).Should().Be(HttpStatusCode.OK);
        (await PostAsync("tree_show", token, body: "[1]")).Should().Be(HttpStatusCode.BadRequest);
        (await PostAsync("tree_show?sr=" + _sr, "wrong")).Should().Be(HttpStatusCode.Unauthorized);
        (await PostAsync("tree_show?sr=" + _sr, "")).Should().Be(HttpStatusCode.Unauthorized);
        foreach (var origin in new[] { "http://evil.example", "http://127.0.0.1", "null" })
            (await PostAsync("tree_show?sr=" + _sr, token, origin: origin)).Should().Be(HttpStatusCode.Forbidden, origin);
        foreach (var host in new[] { "evil.example", "127.0.0.1.evil.example", "localhost.evil.example", "10.0.0.1" })
            (await PostAsync("tree_show?sr=" + _sr, token, host: host)).Should().Be(HttpStatusCode.Forbidden, host);
        (await PostAsync("tree_show?sr=" + _sr, token, host: "localhost")).Should().Be(HttpStatusCode.OK);
        using var request = new HttpRequestMessage(HttpMethod.Get, "/lab/");
        request.Headers.Authorization = new("Bearer", token);
        using var answer = await _server.Http.SendAsync(request);
        var names = JsonNode.Parse(await answer.Content.ReadAsStringAsync())!["functions"]!.AsArray().Select(n => n!.GetValue<string>()).ToList();
        names.Should().Contain(["fault_set", "tree_show", "plant_bad_footer", "check", "sr_problems"]);
    }

    private async Task<HttpStatusCode> PostAsync(string function, string token, string? body = null, string? origin = null, string? host = null)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, "/lab/" + function);
        if (token.Length > 0)
            request.Headers.Authorization = new("Bearer", token);
        if (body is not null)
            request.Content = new StringContent(body);
        if (origin is not null)
            request.Headers.Add("Origin", origin);
        if (host is not null)
            request.Headers.Host = host;
        using var answer = await _server.Http.SendAsync(request);
        return answer.StatusCode;
    }

    private Task<string> CallAsync(string function, params (string, object?)[] arguments) =>
        _disks.Api.TextAsync("host.call_plugin", _host, "xapicompat", function, JsonArguments.Map(arguments));

    private Task<IReadOnlyList<string>> ErrorAsync(string function, params (string, object?)[] arguments) =>
        _disks.Api.ErrorAsync("host.call_plugin", _host, "xapicompat", function, JsonArguments.Map(arguments));

    /// <summary>Codes of what a check finds.</summary>
    private async Task<IReadOnlyList<string>> CheckAsync() =>
        [.. JsonNode.Parse(await CallAsync("check"))!["findings"]!.AsArray().Where(f => f!["level"]!.GetValue<string>() != "note").Select(f => f!["code"]!.GetValue<string>())];

    private async Task<int> DepthAsync(string disk) => JsonNode.Parse(await CallAsync("tree_show", ("sr", _sr)))!["nodes"]!.AsArray()
        .Single(n => n!["uuid"]!.GetValue<string>() == UuidOf(disk))!["depth"]!.GetValue<int>();

    private string UuidOf(string vdi) => _server.Host.Records.Current.Find(vdi)!.Uuid;
}
