using FluentAssertions;
using XapiCompat.Server.Tests.Support;
using Xunit;

namespace XapiCompat.Server.Tests.Api.Lifecycle;

/// <summary>Shutdown, reboot, pause, and the state that is left.</summary>
public sealed class StopTests(RunningServer server) : IClassFixture<RunningServer>
{
    [Theory]
    [InlineData("VM.clean_shutdown")]
    [InlineData("VM.hard_shutdown")]
    [InlineData("VM.shutdown")]
    [SeesEffectOf("VM.clean_shutdown", "VM.hard_shutdown", "VM.shutdown")]
    public async Task A_stopped_VM_has_nothing_attached(string method)
    {
        var rig = await VmRig.CreateAsync(server);
        await rig.Api.StartVmAsync(rig.Vm);
        await rig.Api.CallAsync(method, rig.Vm);
        var vm = await rig.RecordAsync();
        vm["power_state"].Text().Should().Be("Halted");
        vm["domid"].Number().Should().Be(-1);
        vm["resident_on"].Text().Should().Be(Records.Null);
        vm["consoles"].Texts().Should().BeEmpty();
        vm["current_operations"]!.AsObject().Should().BeEmpty();
        foreach (var vbd in await rig.VbdsAsync())
        {
            vbd["currently_attached"].Flag().Should().BeFalse();
            vbd["device"].Text().Should().NotBeEmpty("the name stays");
        }

        (await rig.OnlyVifAsync(rig.Vm))["currently_attached"].Flag().Should().BeFalse();
        (await rig.Api.GuestAsync(rig.Vm))["live"].Flag().Should().BeFalse();
    }

    [Fact]
    public async Task A_guest_that_does_not_follow_is_shut_down_hard()
    {
        var api = await server.LoginAsync();
        var vm = await api.CreateBareVmAsync("false");
        await api.StartVmAsync(vm);
        await api.CallAsync("VM.shutdown", vm);
        (await api.StateAsync(vm)).Should().Be("Halted");
        await api.StartVmAsync(vm, paused: true);
        await api.CallAsync("VM.shutdown", vm);
        (await api.StateAsync(vm)).Should().Be("Halted");
    }

    [Theory]
    [InlineData("VM.clean_reboot")]
    [InlineData("VM.hard_reboot")]
    [InlineData("VM.hard_reboot_internal")]
    [SeesEffectOf("VM.clean_reboot", "VM.hard_reboot", "VM.hard_reboot_internal")]
    public async Task A_reboot_gives_a_new_domain(string method)
    {
        var rig = await VmRig.CreateAsync(server);
        await rig.Api.StartVmAsync(rig.Vm);
        var first = (await rig.RecordAsync())["domid"].Number();
        var late = await rig.AddDiskAsync(rig.Vm, "5", 5);
        await rig.Api.CallAsync(method, rig.Vm);
        var vm = await rig.RecordAsync();
        vm["power_state"].Text().Should().Be("Running");
        vm["domid"].Number().Should().BeGreaterThan(first);
        (await rig.VbdsAsync()).Should().OnlyContain(v => v["currently_attached"].Flag());
        (await rig.VbdsAsync()).Should().Contain(v => v["VDI"].Text() == late);
        (await rig.Api.GuestAsync(rig.Vm))["live"].Flag().Should().BeTrue();
        await rig.Api.CallAsync("VM.hard_shutdown", rig.Vm);
    }

    [Fact]
    [SeesEffectOf("VM.pause", "VM.unpause")]
    public async Task A_paused_VM_keeps_domain_and_devices()
    {
        var rig = await VmRig.CreateAsync(server);
        await rig.Api.StartVmAsync(rig.Vm);
        var domid = (await rig.RecordAsync())["domid"].Number();
        await rig.Api.CallAsync("VM.pause", rig.Vm);
        var vm = await rig.RecordAsync();
        vm["power_state"].Text().Should().Be("Paused");
        vm["domid"].Number().Should().Be(domid);
        (await rig.VbdsAsync()).Should().OnlyContain(v => v["currently_attached"].Flag());
        vm["allowed_operations"].Texts().Should().BeEquivalentTo("hard_shutdown", "hard_reboot", "unpause", "snapshot", "checkpoint", "metadata_export");
        await rig.Api.CallAsync("VM.unpause", rig.Vm);
        (await rig.Api.StateAsync(rig.Vm)).Should().Be("Running");
        await rig.Api.CallAsync("VM.pause", rig.Vm);
        await rig.Api.CallAsync("VM.hard_reboot", rig.Vm);
        (await rig.Api.StateAsync(rig.Vm)).Should().Be("Running");
    }

    [Fact]
    [SeesEffectOf("VM.power_state_reset")]
    public async Task A_reset_forgets_a_domain_only_when_its_host_is_gone()
    {
        var own = await RunningServer.CreateAsync();
        try
        {
            var api = await own.LoginAsync();
            var host = await api.HostAsync();
            var vm = await api.CreateVmAsync();
            await api.StartVmAsync(vm);
            (await api.ErrorAsync("VM.power_state_reset", vm)).Should().Equal("DOMAIN_EXISTS", vm);
            var dom0 = await api.TextAsync("host.get_control_domain", host);
            (await api.ErrorAsync("VM.power_state_reset", dom0)).Should().Equal("CANNOT_RESET_CONTROL_DOMAIN", dom0);
            own.Host.Records.Commit(unit => unit.Set(unit.Find(host)!.Target("metrics"), "live", false));
            await api.CallAsync("VM.power_state_reset", vm);
            (await api.StateAsync(vm)).Should().Be("Halted");
            (await api.TextAsync("VM.get_resident_on", vm)).Should().Be(Records.Null);
        }
        finally
        {
            await own.DisposeAsync();
        }
    }

    [Fact]
    public async Task High_availability_settings_follow_the_power_state()
    {
        var api = await server.LoginAsync();
        var vm = await api.CreateVmAsync("protected", ("ha_restart_priority", "restart"));
        await api.StartVmAsync(vm);
        (await api.FlagAsync("VM.get_ha_always_run", vm)).Should().BeTrue();
        await api.CallAsync("VM.clean_shutdown", vm);
        (await api.FlagAsync("VM.get_ha_always_run", vm)).Should().BeFalse();
    }
}
