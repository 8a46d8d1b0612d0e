using FluentAssertions;
using XapiCompat.Core.Machines;
using XapiCompat.Server.Tests.Support;
using Xunit;

namespace XapiCompat.Server.Tests.Api.Lifecycle;

/// <summary>VMs across restarts of the server.</summary>
public sealed class RestartedMachineTests(RunningServer server) : IClassFixture<RunningServer>
{
    [Fact]
    public async Task Running_VMs_go_on_and_suspended_ones_resume()
    {
        var rig = await VmRig.CreateAsync(server);
        var suspended = await rig.Api.CreateVmAsync("suspended");
        var paused = await rig.Api.CreateVmAsync("paused");
        await rig.Api.StartVmAsync(rig.Vm);
        await rig.Api.StartVmAsync(suspended);
        await rig.Api.CallAsync("VM.suspend", suspended);
        await rig.Api.StartVmAsync(paused, paused: true);
        var before = await rig.RecordAsync();
        var metrics = await rig.Api.MetricsAsync(rig.Vm);
        var free = await rig.Api.FreeMemoryAsync();

        await server.RestartAsync();
        var api = await server.LoginAsync();
        var vm = await api.RecordAsync("VM", rig.Vm);
        foreach (var field in (string[])["power_state", "domid", "resident_on", "metrics", "guest_metrics", "memory_overhead"])
            vm[field]!.ToJsonString().Should().Be(before[field]!.ToJsonString(), field);
        vm["consoles"].Texts().Should().BeEquivalentTo(before["consoles"].Texts());
        vm["allowed_operations"].Texts().Should().BeEquivalentTo(before["allowed_operations"].Texts());
        var after = await api.MetricsAsync(rig.Vm);
        foreach (var field in (string[])["memory_actual", "hvm", "start_time", "VCPUs_number", "current_domain_type"])
            after[field]!.ToJsonString().Should().Be(metrics[field]!.ToJsonString(), field);
        (await api.FreeMemoryAsync()).Should().Be(free);
        (await api.StateAsync(paused)).Should().Be("Paused");
        await api.CallAsync("VM.resume", suspended, false, false);
        (await api.RecordAsync("VM", suspended))["domid"].Number().Should().BeGreaterThan(vm["domid"].Number());
        foreach (var machine in (string[])[rig.Vm, suspended, paused])
            await api.CallAsync("VM.hard_shutdown", machine);
    }

    [Theory]
    [InlineData("start", "Halted")]
    [InlineData("suspend", "Running")]
    [InlineData("resume", "Suspended")]
    [InlineData("clean_shutdown", "Running")]
    [InlineData("pool_migrate", "Running")]
    public async Task A_server_that_dies_in_the_middle_leaves_whole_VMs(string operation, string state)
    {
        var slow = await RunningServer.CreateAsync(o => o with { VmDurations = Slow(operation) });
        var dead = new RunningServer();
        try
        {
            var rig = await VmRig.CreateAsync(slow);
            if (operation != "start")
                await rig.Api.StartVmAsync(rig.Vm);
            if (operation == "resume")
                await rig.Api.CallAsync("VM.suspend", rig.Vm);
            object?[] arguments = operation switch
            {
                "start" or "resume" => [rig.Vm, false, false],
                "pool_migrate" => [rig.Vm, await rig.Api.HostAsync(), JsonArguments.Map()],
                _ => [rig.Vm],
            };
            var task = await rig.Api.BeginAsync(rig.Vm, operation, "VM." + operation, arguments);
            using var cap = new CancellationTokenSource(TimeSpan.FromSeconds(60));
            while (operation == "suspend" && await rig.Api.TextAsync("VM.get_suspend_VDI", rig.Vm) == Records.Null)
                await Task.Delay(5, cap.Token);

            CopyState(slow.StatePath, dead.StatePath);
            await rig.Api.CallAsync("task.cancel", task);
            (await rig.Api.FinishedAsync(task))["status"].Text().Should().Be("cancelled");
            await dead.StartAsync();
            var api = await dead.LoginAsync();
            (await AssertWholeAsync(api, rig.Vm)).Should().Be(state);
            (await api.CallAsync("VDI.get_all_records")).AsObject().Count(r => r.Value!["type"].Text() == "suspend").Should().Be(state == "Suspended" ? 1 : 0);
            if (state == "Suspended")
                await api.CallAsync("VM.resume", rig.Vm, false, false);
            if (state == "Halted")
                await api.StartVmAsync(rig.Vm);
            await api.CallAsync("VM.clean_shutdown", rig.Vm);
        }
        finally
        {
            await dead.DisposeAsync();
            await slow.DisposeAsync();
        }
    }

    private static SimulatedDurations Slow(string operation)
    {
        var time = TimeSpan.FromMinutes(5);
        return operation switch
        {
            "start" => new() { Start = time },
            "suspend" => new() { Suspend = time },
            "resume" => new() { Resume = time },
            "pool_migrate" => new() { Migrate = time },
            _ => new() { Shutdown = time },
        };
    }

    /// <summary>What the disk holds at this moment: all that a killed process leaves.</summary>
    private static void CopyState(string from, string to)
    {
        foreach (var directory in Directory.EnumerateDirectories(from, "*", SearchOption.AllDirectories).Prepend(from))
            Directory.CreateDirectory(Path.Combine(to, Path.GetRelativePath(from, directory)));
        foreach (var file in Directory.EnumerateFiles(from, "*", SearchOption.AllDirectories).Where(f => Path.GetFileName(f) != "lock"))
            File.Copy(file, Path.Combine(to, Path.GetRelativePath(from, file)));
    }

    private static async Task<string> AssertWholeAsync(XenClient api, string vm)
    {
        var record = await api.RecordAsync("VM", vm);
        record["current_operations"]!.AsObject().Should().BeEmpty();
        record["scheduled_to_be_resident_on"].Text().Should().Be(Records.Null);
        (record["suspend_VDI"].Text() != Records.Null).Should().Be(record["power_state"].Text() == "Suspended");
        (await api.CallAsync("host.get_current_operations", await api.HostAsync())).AsObject().Should().BeEmpty();
        return record["power_state"].Text();
    }
}
