using System.Text.Json.Nodes;
using FluentAssertions;
using XapiCompat.Core.Services;
using XapiCompat.Server.Tests.Support;
using Xunit;

namespace XapiCompat.Server.Tests.Api.Lifecycle;

/// <summary>The messages that calls leave about VMs and schedules.</summary>
public sealed class VmMessageTests : IAsyncLifetime
{
    private readonly HashSet<string> _seen = [];
    private RunningServer _server = null!;
    private XenClient _api = null!;

    public async Task InitializeAsync()
    {
        _server = await RunningServer.CreateAsync();
        _api = await _server.LoginAsync();
    }

    public Task DisposeAsync() => _server.DisposeAsync();

    [Fact]
    public async Task Each_call_that_changes_a_VM_leaves_its_message()
    {
        var rig = await VmRig.CreateAsync(_server);
        var (first, second) = (await _api.HostAsync(), _server.AddHost());
        var told = 0;
        await NewAsync();

        await LeavesAsync("VM.start_on", [rig.Vm, first, false, false], "VM_STARTED");
        await LeavesAsync("VM.pause", [rig.Vm], "VM_PAUSED");
        await LeavesAsync("VM.unpause", [rig.Vm], "VM_UNPAUSED");
        await LeavesAsync("VM.clean_reboot", [rig.Vm], "VM_REBOOTED");
        await LeavesAsync("VM.hard_reboot", [rig.Vm], "VM_REBOOTED");
        await LeavesAsync("VM.pool_migrate", [rig.Vm, second, JsonArguments.Map()], "VM_MIGRATED");
        await LeavesAsync("VM.suspend", [rig.Vm], "VM_SUSPENDED");
        await LeavesAsync("VM.csvm", [rig.Vm], "VM_CLONED");
        await LeavesAsync("VM.resume_on", [rig.Vm, first, false, false], "VM_RESUMED");
        var snapshot = await LeavesAsync("VM.snapshot", [rig.Vm, "a snapshot"], "VM_SNAPSHOTTED");
        var checkpoint = await LeavesAsync("VM.checkpoint", [rig.Vm, "a checkpoint"], "VM_CHECKPOINTED");
        await LeavesAsync("VM.revert", [snapshot.ToString()], "VM_SHUTDOWN", "VM_SNAPSHOT_REVERTED");
        await LeavesAsync("VM.revert", [checkpoint.ToString()], "VM_SNAPSHOT_REVERTED");
        await LeavesAsync("VM.hard_shutdown", [rig.Vm], "VM_SHUTDOWN");
        await LeavesAsync("VM.start", [rig.Vm, false, false], "VM_STARTED");
        await LeavesAsync("VM.clean_shutdown", [rig.Vm], "VM_SHUTDOWN");
        await LeavesAsync("VM.start", [rig.Vm, false, false], "VM_STARTED");
        await LeavesAsync("VM.shutdown", [rig.Vm], "VM_SHUTDOWN");
        await LeavesAsync("VM.clone", [rig.Vm, "a clone"]);
        await LeavesAsync("VM.copy", [rig.Vm, "a copy", Records.Null]);
        (await _api.ErrorAsync("VM.pause", rig.Vm)).Should().HaveElementAt(0, "VM_BAD_POWER_STATE");
        (await NewAsync()).Should().BeEmpty();
        told.Should().BeGreaterThan(15);

        async Task<JsonNode> LeavesAsync(string method, object?[] arguments, params string[] names)
        {
            var (uuid, name) = (await _api.TextAsync("VM.get_uuid", rig.Vm), await _api.TextAsync("VM.get_name_label", rig.Vm));
            var answer = await _api.CallAsync(method, arguments);
            var messages = await NewAsync();
            messages.Select(m => m["name"].Text()).Should().BeEquivalentTo(names, method);
            foreach (var message in messages)
            {
                message["priority"].Number().Should().Be(5);
                message["cls"].Text().Should().Be("VM");
                message["obj_uuid"].Text().Should().Be(uuid);
                message["body"].Text().Should().StartWith(name + " (" + uuid + ") ");
                told++;
            }

            return answer;
        }
    }

    [Fact]
    public async Task A_message_names_the_hosts_and_the_snapshot_that_it_is_about()
    {
        var vm = await _api.CreateVmAsync("walker");
        var (first, second) = (await _api.HostAsync(), _server.AddHost());
        await _api.CallAsync("VM.start_on", vm, first, false, false);
        await _api.CallAsync("VM.pool_migrate", vm, second, JsonArguments.Map());
        await _api.CallAsync("VM.snapshot", vm, "yesterday");
        var messages = (await NewAsync()).ToDictionary(m => m["name"].Text(), m => m["body"].Text());
        var (here, there) = (await _api.TextAsync("host.get_uuid", first), await _api.TextAsync("host.get_uuid", second));
        messages["VM_STARTED"].Should().Contain(here).And.NotContain(there);
        messages["VM_MIGRATED"].Should().MatchRegex(here + ".*second.*" + there);
        messages["VM_SNAPSHOTTED"].Should().Contain("yesterday");
    }

    [Fact]
    public async Task Who_sees_the_message_sees_the_change()
    {
        var vm = await _api.CreateVmAsync("watched");
        var token = (await _api.CallAsync("event.from", new[] { "vm", "message" }, "", 10.0))["token"]!.Text();
        await _api.TextAsync("Async.VM.start", vm, false, false);
        while (true)
        {
            var answer = await _api.CallAsync("event.from", new[] { "vm", "message" }, token, 30.0);
            var events = answer["events"]!.AsArray();
            token = answer["token"]!.Text();
            if (!events.Any(e => e!["class"].Text() == "message"))
                continue;
            events[0]!["snapshot"]!["name"].Text().Should().Be("VM_STARTED");
            events.Should().Contain(e => e!["ref"]!.GetValue<string>() == vm && e["snapshot"]!["power_state"]!.GetValue<string>() == "Running");
            return;
        }
    }

    [Fact]
    public async Task A_schedule_tells_how_its_runs_ended_and_takes_its_messages_along()
    {
        var vm = await _api.CreateVmAsync("scheduled");
        var vmss = await _api.TextAsync(
            "VMSS.create",
            JsonArguments.Map(("name_label", "nightly"), ("name_description", ""), ("enabled", true), ("type", "snapshot"), ("retained_snapshots", 3L), ("frequency", "daily"), ("schedule", JsonArguments.Map())));
        var uuid = await _api.TextAsync("VMSS.get_uuid", vmss);
        await _api.CallAsync("VM.set_snapshot_schedule", vm, vmss);
        await _api.CallAsync("VMSS.snapshot_now", vmss);
        var done = await NewAsync();
        done.Select(m => m["name"].Text()).Should().BeEquivalentTo("VM_SNAPSHOTTED", "VMSS_SNAPSHOT_SUCCEEDED");
        var told = done.Single(m => m["cls"].Text() == "VMSS");
        told["obj_uuid"].Text().Should().Be(uuid);
        told["priority"].Number().Should().Be(5);

        await _api.CallAsync("VM.add_to_blocked_operations", vm, "snapshot", "not now");
        (await _api.ErrorAsync("VMSS.snapshot_now", vmss)).Should().HaveElementAt(0, "OPERATION_BLOCKED");
        var failed = (await NewAsync()).Should().ContainSingle().Subject!;
        failed["name"].Text().Should().Be("VMSS_SNAPSHOT_FAILED");
        failed["priority"].Number().Should().Be(3);
        failed["body"].Text().Should().Contain("nightly").And.Contain("OPERATION_BLOCKED");

        await _api.CallAsync("VM.set_snapshot_schedule", vm, Records.Null);
        await _api.CallAsync("VMSS.destroy", vmss);
        (await _api.CallAsync("message.get_all_records")).AsObject().Select(p => p.Value!["name"].Text()).Should().Equal("VM_SNAPSHOTTED");
    }

    [Fact]
    public async Task The_oldest_messages_go_when_there_are_too_many()
    {
        var records = _server.Host.Records;
        var service = new MessageService(records, new IdSource(), TimeProvider.System);
        var first = records.Commit(unit => service.Add(unit, "OLD", 5, "Host", "", ""));
        for (var i = 0; i < 10; i++)
        {
            records.Commit(unit =>
            {
                for (var j = 0; j < 1_000; j++)
                    service.Add(unit, "MANY", 5, "Host", "", "");
            });
        }

        var vm = await _api.CreateVmAsync("newest");
        await _api.StartVmAsync(vm);
        var all = (await _api.CallAsync("message.get_all_records")).AsObject();
        all.Count.Should().BeInRange(9_000, 10_000);
        all.Should().NotContainKey(first);
        all.Select(p => p.Value!["name"].Text()).Should().Contain("VM_STARTED");
    }

    /// <summary>Messages that were not there when this was asked last.</summary>
    private async Task<IReadOnlyList<JsonNode>> NewAsync() =>
        [.. (await _api.CallAsync("message.get_all_records")).AsObject().Where(p => _seen.Add(p.Key)).Select(p => p.Value!)];
}
