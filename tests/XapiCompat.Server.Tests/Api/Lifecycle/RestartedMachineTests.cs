using FluentAssertions;
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

    [Fact]
    public async Task A_server_that_ends_in_the_middle_leaves_whole_VMs()
    {
        server.Configure = o => o with { VmDurations = new() { Start = TimeSpan.FromMinutes(5), Suspend = TimeSpan.FromMinutes(5) } };
        await server.RestartAsync();
        var api = await server.LoginAsync();
        var starting = await api.CreateVmAsync("starting");
        await api.BeginAsync(starting, "start", "VM.start", starting, false, false);
        server.Configure = o => o with { VmDurations = new() { Suspend = TimeSpan.FromMinutes(5) } };
        var file = await CutAsync();
        api = await server.LoginAsync();
        (await AssertWholeAsync(api, starting)).Should().Be("Halted");

        await api.StartVmAsync(starting);
        await api.BeginAsync(starting, "suspend", "VM.suspend", starting);
        using var cap = new CancellationTokenSource(TimeSpan.FromSeconds(30));
        while (await api.TextAsync("VM.get_suspend_VDI", starting) == Records.Null)
            await Task.Delay(5, cap.Token);
        server.Configure = o => o with { VmDurations = new() };
        await CutAsync();
        api = await server.LoginAsync();
        (await AssertWholeAsync(api, starting)).Should().Be("Running");
        (await api.CallAsync("VDI.get_all_records")).AsObject().Should().NotContain(r => r.Value!["type"].Text() == "suspend");
        file.Should().NotBeEmpty();
        await api.CallAsync("VM.hard_shutdown", starting);
    }

    /// <summary>What the database holds now comes back after the stop: as if the process had died here.</summary>
    private async Task<string> CutAsync()
    {
        var copy = server.Database + ".cut";
        File.Copy(server.Database, copy, overwrite: true);
        var wal = server.Database + "-wal";
        var had = File.Exists(wal);
        if (had)
            File.Copy(wal, copy + "-wal", overwrite: true);
        await server.StopAsync();
        File.Copy(copy, server.Database, overwrite: true);
        File.Delete(server.Database + "-shm");
        if (had)
            File.Copy(copy + "-wal", wal, overwrite: true);
        else
            File.Delete(wal);
        await server.StartAsync();
        return copy;
    }

    private static async Task<string> AssertWholeAsync(XenClient api, string vm)
    {
        var record = await api.RecordAsync("VM", vm);
        record["current_operations"]!.AsObject().Should().BeEmpty();
        record["scheduled_to_be_resident_on"].Text().Should().Be(Records.Null);
        record["suspend_VDI"].Text().Should().Be(Records.Null);
        (await api.CallAsync("host.get_current_operations", await api.HostAsync())).AsObject().Should().BeEmpty();
        return record["power_state"].Text();
    }
}
