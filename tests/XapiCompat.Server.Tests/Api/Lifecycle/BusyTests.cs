using FluentAssertions;
using XapiCompat.Core.Machines;
using XapiCompat.Server.Tests.Support;
using Xunit;

namespace XapiCompat.Server.Tests.Api.Lifecycle;

/// <summary>Operations that take their time: seen by others, waited for, cancelled, overridden.</summary>
public sealed class BusyTests : IAsyncLifetime
{
    /// <summary>Nobody waits for its end.</summary>
    private static readonly TimeSpan Long = TimeSpan.FromMinutes(30);

    private readonly ManualClock _clock = new(new DateTimeOffset(2026, 5, 1, 12, 0, 0, TimeSpan.Zero));
    private RunningServer _server = null!;

    public Task InitializeAsync() => Task.CompletedTask;

    public Task DisposeAsync() => _server.DisposeAsync();

    [Fact]
    public async Task A_cancelled_start_leaves_nothing()
    {
        var rig = await StartServerAsync(new() { Start = Long });
        var host = await rig.Api.HostAsync();
        var before = await rig.Api.FreeMemoryAsync();
        var task = await rig.Api.BeginAsync(rig.Vm, "start", "VM.start", rig.Vm, false, false);
        var other = await _server.LoginAsync();
        (await other.CallAsync("host.get_current_operations", host)).AsObject().Should().ContainSingle(o => o.Key == task && o.Value.Text() == "vm_start");
        (await other.TextAsync("VM.get_scheduled_to_be_resident_on", rig.Vm)).Should().Be(host);
        (await rig.VbdsAsync()).Should().OnlyContain(v => v["current_operations"]![task].Text() == "attach");
        (await other.ListAsync("VM.get_allowed_operations", rig.Vm)).Should().BeEmpty();
        await other.CallAsync("task.cancel", task);
        (await other.FinishedAsync(task))["status"].Text().Should().Be("cancelled");
        var vm = await rig.RecordAsync();
        vm["power_state"].Text().Should().Be("Halted");
        vm["scheduled_to_be_resident_on"].Text().Should().Be(Records.Null);
        vm["current_operations"]!.AsObject().Should().BeEmpty();
        (await rig.VbdsAsync()).Should().OnlyContain(v => v["current_operations"]!.AsObject().Count == 0 && !v["currently_attached"].Flag());
        (await other.CallAsync("host.get_current_operations", host)).AsObject().Should().BeEmpty();
        (await rig.Api.FreeMemoryAsync()).Should().Be(before);
    }

    [Theory]
    [InlineData("clean_shutdown", "Running")]
    [InlineData("hard_shutdown", "Running")]
    [InlineData("clean_reboot", "Running")]
    [InlineData("pause", "Running")]
    [InlineData("suspend", "Running")]
    public async Task A_cancelled_step_leaves_the_VM_as_it_was(string operation, string state)
    {
        var rig = await StartServerAsync(new() { Shutdown = Long, Reboot = Long, Pause = Long, Suspend = Long });
        await rig.Api.StartVmAsync(rig.Vm);
        var domid = (await rig.RecordAsync())["domid"].Number();
        var task = await rig.Api.BeginAsync(rig.Vm, operation, "VM." + operation, rig.Vm);
        await rig.Api.CallAsync("task.cancel", task);
        (await rig.Api.FinishedAsync(task))["status"].Text().Should().Be("cancelled");
        var vm = await rig.RecordAsync();
        vm["power_state"].Text().Should().Be(state);
        vm["domid"].Number().Should().Be(domid);
        vm["suspend_VDI"].Text().Should().Be(Records.Null);
        vm["current_operations"]!.AsObject().Should().BeEmpty();
        (await SuspendDisksAsync(rig.Api)).Should().BeEmpty();
    }

    [Fact]
    public async Task A_cancelled_resume_leaves_the_VM_suspended()
    {
        var rig = await StartServerAsync(new() { Resume = Long });
        await rig.Api.StartVmAsync(rig.Vm);
        await rig.Api.CallAsync("VM.suspend", rig.Vm);
        var task = await rig.Api.BeginAsync(rig.Vm, "resume", "VM.resume", rig.Vm, false, false);
        await rig.Api.CallAsync("task.cancel", task);
        (await rig.Api.FinishedAsync(task))["status"].Text().Should().Be("cancelled");
        (await rig.Api.StateAsync(rig.Vm)).Should().Be("Suspended");
        (await SuspendDisksAsync(rig.Api)).Should().ContainSingle();
    }

    [Fact]
    public async Task Progress_rises_while_a_guest_starts()
    {
        var rig = await StartServerAsync(new() { Start = TimeSpan.FromMinutes(1) }, _clock);
        var task = await rig.Api.TextAsync("Async.VM.start", rig.Vm, false, false);
        var seen = new List<double>();
        while (true)
        {
            var record = await rig.Api.RecordAsync("task", task);
            seen.Add(record["progress"]!.GetValue<double>());
            if (record["status"].Text() != "pending")
                break;
            _clock.Advance(TimeSpan.FromSeconds(1));
        }

        seen.Should().BeInAscendingOrder().And.Contain(p => p > 0 && p < 1);
        seen[^1].Should().Be(1);
    }

    [Fact]
    public async Task Two_clients_one_waits_for_the_other()
    {
        var rig = await StartServerAsync(new() { Shutdown = TimeSpan.FromMinutes(1) }, _clock);
        await rig.Api.StartVmAsync(rig.Vm);
        await rig.Api.BeginAsync(rig.Vm, "clean_shutdown", "VM.clean_shutdown", rig.Vm);
        var other = await _server.LoginAsync();
        (await other.ErrorAsync("VM.assert_operation_valid", rig.Vm, "snapshot")).Take(3).Should().Equal("OTHER_OPERATION_IN_PROGRESS", "VM", rig.Vm);
        var waiting = other.TextAsync("VM.snapshot", rig.Vm, "after");
        await _clock.PassUntilAsync(waiting, TimeSpan.FromSeconds(1));
        var snapshot = await waiting;
        (await other.StateAsync(rig.Vm)).Should().Be("Halted");
        (await other.CallAsync("VM.get_snapshot_info", snapshot))["power-state-at-snapshot"].Text().Should().Be("Halted");
    }

    [Theory]
    [InlineData("clean_shutdown")]
    [InlineData("clean_reboot")]
    [InlineData("suspend")]
    [InlineData("shutdown")]
    public async Task A_hard_shutdown_ends_what_is_under_way(string operation)
    {
        // Only steps that ask the guest are slow: the hard one comes through.
        var rig = await StartServerAsync(new() { Acknowledge = Long });
        await rig.Api.CallAsync("VM.add_to_other_config", rig.Vm, Machines.ToolsKey, "false");
        await rig.Api.StartVmAsync(rig.Vm);
        var task = await rig.Api.BeginAsync(rig.Vm, operation, "VM." + operation, rig.Vm);
        (await rig.Api.ListAsync("VM.get_allowed_operations", rig.Vm)).Should().Contain("hard_shutdown");
        await rig.Api.CallAsync("VM.hard_shutdown", rig.Vm);
        (await rig.Api.FinishedAsync(task))["status"].Text().Should().Be("cancelled");
        (await rig.Api.StateAsync(rig.Vm)).Should().Be("Halted");
        (await SuspendDisksAsync(rig.Api)).Should().BeEmpty();
    }

    [Fact]
    public async Task A_hard_reboot_ends_a_clean_shutdown()
    {
        var rig = await StartServerAsync(new() { Acknowledge = Long });
        await rig.Api.CallAsync("VM.add_to_other_config", rig.Vm, Machines.ToolsKey, "false");
        await rig.Api.StartVmAsync(rig.Vm);
        var domid = (await rig.RecordAsync())["domid"].Number();
        var task = await rig.Api.BeginAsync(rig.Vm, "clean_shutdown", "VM.clean_shutdown", rig.Vm);
        await rig.Api.CallAsync("VM.hard_reboot", rig.Vm);
        (await rig.Api.FinishedAsync(task))["status"].Text().Should().Be("cancelled");
        var vm = await rig.RecordAsync();
        vm["power_state"].Text().Should().Be("Running");
        vm["domid"].Number().Should().BeGreaterThan(domid);
        (await rig.VbdsAsync()).Should().OnlyContain(v => v["current_operations"]!.AsObject().Count == 0);
    }

    [Fact]
    public async Task Tools_report_after_their_time()
    {
        var rig = await StartServerAsync(new() { Tools = TimeSpan.FromMilliseconds(300) });
        await rig.Api.StartVmAsync(rig.Vm);
        using var cap = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        while (await rig.Api.TextAsync("VM.get_guest_metrics", rig.Vm) == Records.Null)
            await Task.Delay(10, cap.Token);
        (await rig.Api.GuestAsync(rig.Vm))["PV_drivers_detected"].Flag().Should().BeTrue();
        (await rig.Api.ListAsync("VM.get_allowed_operations", rig.Vm)).Should().Contain("clean_shutdown");
    }

    [Fact]
    public async Task Events_tell_of_the_VM_and_its_devices()
    {
        var rig = await StartServerAsync(new());
        var token = (await rig.Api.CallAsync("event.from", JsonArguments.Array(["*"]), "", 0.0))["token"].Text();
        await rig.Api.StartVmAsync(rig.Vm);
        var events = (await rig.Api.CallAsync("event.from", JsonArguments.Array(["*"]), token, 5.0))["events"]!.AsArray();
        var kinds = events.Select(e => e!["class"].Text() + " " + e["operation"].Text()).ToHashSet();
        kinds.Should().Contain(["vm mod", "vbd mod", "vif mod", "vm_metrics mod", "vm_guest_metrics add", "console add", "host mod", "host_metrics mod", "vdi mod"]);
        events.Single(e => e!["class"].Text() == "vm")!["snapshot"]!["power_state"].Text().Should().Be("Running");
    }

    [Fact]
    public async Task Start_and_shutdown_delays_are_kept()
    {
        var rig = await StartServerAsync(new(), _clock);
        await rig.Api.CallAsync("VM.set_start_delay", rig.Vm, 60);
        var task = await rig.Api.TextAsync("Async.VM.start", rig.Vm, false, false);
        using var cap = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        while (await rig.Api.StateAsync(rig.Vm) != "Running")
            await Task.Delay(5, cap.Token);
        (await rig.Api.CallAsync("VM.get_current_operations", rig.Vm)).AsObject().Should().ContainKey(task);
        var end = rig.Api.FinishedAsync(task);
        await _clock.PassUntilAsync(end, TimeSpan.FromSeconds(10));
        (await end)["status"].Text().Should().Be("success");
    }

    private static async Task<List<string>> SuspendDisksAsync(XenClient api) =>
        [.. (await api.CallAsync("VDI.get_all_records")).AsObject().Where(r => r.Value!["type"].Text() == "suspend").Select(r => r.Key)];

    private async Task<VmRig> StartServerAsync(SimulatedDurations durations, ManualClock? clock = null)
    {
        _server = await RunningServer.CreateAsync(o => o with { VmDurations = durations }, clock);
        return await VmRig.CreateAsync(_server);
    }
}
