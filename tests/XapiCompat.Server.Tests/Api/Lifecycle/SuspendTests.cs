using System.Text;
using FluentAssertions;
using XapiCompat.Server.Tests.Support;
using Xunit;

namespace XapiCompat.Server.Tests.Api.Lifecycle;

/// <summary>Suspend and resume with a real disk between them.</summary>
public sealed class SuspendTests(RunningServer server) : IClassFixture<RunningServer>
{
    [Fact]
    [SeesEffectOf("VM.suspend", "VM.resume")]
    public async Task The_guest_lies_in_a_disk_while_suspended()
    {
        var rig = await VmRig.CreateAsync(server);
        var api = rig.Api;
        var before = await api.FreeMemoryAsync();
        await api.StartVmAsync(rig.Vm);
        var domid = (await rig.RecordAsync())["domid"].Number();
        await api.CallAsync("VM.suspend", rig.Vm);

        var vm = await rig.RecordAsync();
        vm["power_state"].Text().Should().Be("Suspended");
        vm["domid"].Number().Should().Be(-1);
        vm["resident_on"].Text().Should().Be(Records.Null);
        (await rig.VbdsAsync()).Should().OnlyContain(v => v["currently_attached"].Flag());
        (await rig.OnlyVifAsync(rig.Vm))["currently_attached"].Flag().Should().BeTrue();
        (await api.FreeMemoryAsync()).Should().Be(before);
        vm["allowed_operations"].Texts().Should().BeEquivalentTo("resume", "resume_on", "hard_shutdown", "destroy", "export", "metadata_export", "migrate_send", "snapshot", "checkpoint");
        var image = vm["suspend_VDI"].Text();
        var record = await api.RecordAsync("VDI", image);
        record["type"].Text().Should().Be("suspend");
        record["name_label"].Text().Should().Be("Suspend image");
        record["virtual_size"].Number().Should().BeGreaterThan(1024 * Records.MiB);
        var file = Path.Combine(server.StatePath, "sr", await api.TextAsync("SR.get_uuid", record["SR"].Text()), record["uuid"].Text() + ".vhd");
        File.Exists(file).Should().BeTrue();
        Encoding.UTF8.GetString(await rig.Disks.ExportAsync(image, "vhd")).Should().Contain("simulated guest " + vm["uuid"].Text());

        await api.CallAsync("VM.resume", rig.Vm, false, false);
        vm = await rig.RecordAsync();
        vm["power_state"].Text().Should().Be("Running");
        vm["domid"].Number().Should().BeGreaterThan(domid);
        vm["suspend_VDI"].Text().Should().Be(Records.Null);
        (await api.ErrorAsync("VDI.get_uuid", image)).Should().Equal("HANDLE_INVALID", "VDI", image);
        File.Exists(file).Should().BeFalse();
        (await api.GuestAsync(rig.Vm))["live"].Flag().Should().BeTrue();
        await api.CallAsync("VM.hard_shutdown", rig.Vm);
    }

    [Fact]
    [SeesEffectOf("VM.resume_on")]
    public async Task A_VM_resumes_paused_on_a_given_host()
    {
        var api = await server.LoginAsync();
        var vm = await api.CreateVmAsync();
        await api.StartVmAsync(vm);
        await api.CallAsync("VM.suspend", vm);
        await api.CallAsync("VM.resume_on", vm, await api.HostAsync(), true, false);
        (await api.StateAsync(vm)).Should().Be("Paused");
        (await api.TextAsync("VM.get_resident_on", vm)).Should().Be(await api.HostAsync());
    }

    [Fact]
    [SeesEffectOf("VM.hard_shutdown", "VM.shutdown")]
    public async Task Stopping_a_suspended_VM_drops_its_state()
    {
        var api = await server.LoginAsync();
        var vm = await api.CreateVmAsync();
        foreach (var method in (string[])["VM.hard_shutdown", "VM.shutdown"])
        {
            await api.StartVmAsync(vm);
            await api.CallAsync("VM.suspend", vm);
            var image = await api.TextAsync("VM.get_suspend_VDI", vm);
            await api.CallAsync(method, vm);
            (await api.StateAsync(vm)).Should().Be("Halted");
            (await api.TextAsync("VM.get_suspend_VDI", vm)).Should().Be(Records.Null);
            (await api.ErrorAsync("VDI.get_uuid", image)).Should().Equal("HANDLE_INVALID", "VDI", image);
        }
    }

    [Fact]
    public async Task A_suspended_VM_without_its_image_becomes_halted()
    {
        var api = await server.LoginAsync();
        var vm = await api.CreateVmAsync();
        await api.StartVmAsync(vm);
        await api.CallAsync("VM.suspend", vm);
        await api.CallAsync("VDI.destroy", await api.TextAsync("VM.get_suspend_VDI", vm));
        (await api.ErrorAsync("VM.resume", vm, false, false)).Should().Equal("VM_HAS_NO_SUSPEND_VDI", "VM", vm);
        (await api.StateAsync(vm)).Should().Be("Halted");
    }

    [Fact]
    public async Task Without_an_SR_for_images_no_VM_is_suspended()
    {
        var own = await RunningServer.CreateAsync();
        try
        {
            var api = await own.LoginAsync();
            var host = await api.HostAsync();
            var vm = await api.CreateVmAsync();
            await api.StartVmAsync(vm);
            own.Host.Records.Commit(unit => unit.Set(host, "suspend_image_sr", Records.Null));
            (await api.ErrorAsync("VM.suspend", vm)).Should().Equal("VM_NO_SUSPEND_SR", vm);
            var sr = await api.TextAsync("pool.get_default_SR", (await api.ListAsync("pool.get_all"))[0]);
            await api.CallAsync("VM.set_suspend_SR", vm, sr);
            own.Host.Records.Commit(unit => unit.Set(sr, "physical_utilisation", unit.Find(sr)!.Int("physical_size")));
            (await api.ErrorAsync("VM.suspend", vm)).Should().Equal("SR_SUSPEND_SPACE_INSUFFICIENT", sr);
            var record = await api.RecordAsync("VM", vm);
            record["power_state"].Text().Should().Be("Running");
            record["suspend_VDI"].Text().Should().Be(Records.Null);
            record["current_operations"]!.AsObject().Should().BeEmpty();
        }
        finally
        {
            await own.DisposeAsync();
        }
    }
}
