using FluentAssertions;
using XapiCompat.Server.Tests.Support;
using Xunit;

namespace XapiCompat.Server.Tests.Api.Lifecycle;

/// <summary>What a start changes, and what refuses one.</summary>
public sealed class StartTests(RunningServer server) : IClassFixture<RunningServer>
{
    [Fact]
    [SeesEffectOf("VM.start")]
    public async Task A_started_VM_has_a_domain_on_the_host()
    {
        var rig = await VmRig.CreateAsync(server);
        var api = rig.Api;
        var before = await api.FreeMemoryAsync();
        await api.StartVmAsync(rig.Vm);

        var vm = await rig.RecordAsync();
        vm["power_state"].Text().Should().Be("Running");
        vm["resident_on"].Text().Should().Be(await api.HostAsync());
        vm["scheduled_to_be_resident_on"].Text().Should().Be(Records.Null);
        vm["domid"].Number().Should().BePositive();
        vm["current_operations"]!.AsObject().Should().BeEmpty();
        vm["last_booted_record"].Text().Should().Contain(vm["uuid"].Text());
        vm["last_boot_CPU_flags"]!.AsObject().Should().ContainKey("vendor");
        vm["platform"]!["device-model"].Text().Should().Be("qemu-upstream-compat");
        vm["domain_type"].Text().Should().Be("hvm");
        vm["memory_overhead"].Number().Should().BePositive();
        vm["memory_target"].Number().Should().Be(1024 * Records.MiB);
        (await api.ListAsync("host.get_resident_VMs", await api.HostAsync())).Should().Contain(rig.Vm);

        foreach (var vbd in await rig.VbdsAsync())
        {
            vbd["currently_attached"].Flag().Should().BeTrue("an empty drive exists in a fully virtualised guest as well");
            vbd["device"].Text().Should().Be("xvd" + (char)('a' + int.Parse(vbd["userdevice"].Text())));
            vbd["current_operations"]!.AsObject().Should().BeEmpty();
        }

        (await rig.OnlyVifAsync(rig.Vm))["currently_attached"].Flag().Should().BeTrue();
        var metrics = await api.MetricsAsync(rig.Vm);
        metrics["start_time"].Text().Should().NotBe(Records.Never);
        metrics["current_domain_type"].Text().Should().Be("hvm");
        metrics["hvm"].Flag().Should().BeTrue();
        metrics["VCPUs_number"].Number().Should().Be(1);
        metrics["memory_actual"].Number().Should().Be(1024 * Records.MiB);
        (await api.FreeMemoryAsync()).Should().Be(before - (1024 * Records.MiB) - vm["memory_overhead"].Number());

        var consoles = new List<string>();
        foreach (var console in vm["consoles"].Texts())
        {
            var record = await api.RecordAsync("console", console);
            consoles.Add(record["protocol"].Text());
            record["location"].Text().Should().EndWith("/console?ref=" + console);
        }

        consoles.Should().BeEquivalentTo("rfb", "vt100");
        await api.CallAsync("VM.hard_shutdown", rig.Vm);
        (await api.FreeMemoryAsync()).Should().Be(before);
    }

    [Fact]
    public async Task Guests_tools_report_addresses_and_system()
    {
        var rig = await VmRig.CreateAsync(server);
        await rig.Api.StartVmAsync(rig.Vm);
        var guest = await rig.Api.GuestAsync(rig.Vm);
        guest["PV_drivers_detected"].Flag().Should().BeTrue();
        guest["live"].Flag().Should().BeTrue();
        guest["networks"]!.AsObject().Should().ContainKey("0/ip");
        guest["os_version"]!.AsObject().Should().ContainKey("name");
        (await rig.RecordAsync())["allowed_operations"].Texts().Should().Contain(["clean_shutdown", "suspend", "pool_migrate", "changing_VCPUs_live"]);
    }

    [Fact]
    public async Task A_guest_without_tools_says_nothing_and_can_do_less()
    {
        var api = await server.LoginAsync();
        var vm = await api.CreateBareVmAsync("false");
        await api.StartVmAsync(vm);
        (await api.TextAsync("VM.get_guest_metrics", vm)).Should().Be(Records.Null);
        (await api.ListAsync("VM.get_allowed_operations", vm)).Should().Contain("hard_shutdown").And.NotContain(["clean_shutdown", "suspend", "clean_reboot", "pool_migrate"]);
        (await api.ErrorAsync("VM.clean_shutdown", vm)).Should().Equal("VM_FAILED_SHUTDOWN_ACKNOWLEDGMENT", vm);
        (await api.ErrorAsync("VM.clean_reboot", vm)).Should().Equal("VM_FAILED_SHUTDOWN_ACKNOWLEDGMENT", vm);
        (await api.ErrorAsync("VM.suspend", vm)).Should().Equal("VM_FAILED_SUSPEND_ACKNOWLEDGMENT", vm);
        (await api.TextAsync("VM.get_suspend_VDI", vm)).Should().Be(Records.Null);
        (await api.StateAsync(vm)).Should().Be("Running");
    }

    [Fact]
    public async Task An_agent_without_drivers_offers_its_features_only()
    {
        var api = await server.LoginAsync();
        var vm = await api.CreateBareVmAsync("feature-shutdown,data-cant-suspend-reason=a device");
        await api.StartVmAsync(vm);
        (await api.ListAsync("VM.get_allowed_operations", vm)).Should().Contain(["clean_shutdown", "clean_reboot"]).And.NotContain(["suspend", "changing_VCPUs_live"]);
        (await api.ErrorAsync("VM.suspend", vm)).Should().Equal("VM_NON_SUSPENDABLE", vm, "a device");
        await api.CallAsync("VM.clean_shutdown", vm);
    }

    [Fact]
    [SeesEffectOf("VM.start_on", "VM.unpause")]
    public async Task A_VM_starts_paused_on_a_given_host()
    {
        var api = await server.LoginAsync();
        var vm = await api.CreateVmAsync();
        await api.CallAsync("VM.start_on", vm, await api.HostAsync(), true, false);
        (await api.StateAsync(vm)).Should().Be("Paused");
        (await api.TextAsync("VM.get_guest_metrics", vm)).Should().Be(Records.Null, "a paused guest says nothing");
        await api.CallAsync("VM.unpause", vm);
        (await api.StateAsync(vm)).Should().Be("Running");
        (await api.GuestAsync(vm))["PV_drivers_detected"].Flag().Should().BeTrue();
    }

    [Fact]
    public async Task A_host_without_the_memory_says_what_lacks()
    {
        var api = await server.LoginAsync();
        var size = 64 * 1024 * Records.MiB;
        var vm = await api.CreateVmAsync("big", ("memory_static_max", size), ("memory_dynamic_max", size), ("memory_dynamic_min", size));
        var error = await api.ErrorAsync("VM.start", vm, false, false);
        error[0].Should().Be("HOST_NOT_ENOUGH_FREE_MEMORY");
        long.Parse(error[1]).Should().BeGreaterThan(size);
        (await api.ErrorAsync("VM.start_on", vm, await api.HostAsync(), false, false)).Should().Equal(error);
        var record = await api.RecordAsync("VM", vm);
        record["power_state"].Text().Should().Be("Halted");
        record["scheduled_to_be_resident_on"].Text().Should().Be(Records.Null);
        record["current_operations"]!.AsObject().Should().BeEmpty();
    }

    [Fact]
    public async Task A_disk_in_use_elsewhere_is_refused()
    {
        var rig = await VmRig.CreateAsync(server);
        var vdi = (await rig.DisksAsync())["0"];
        var other = await rig.Api.CreateVmAsync("other");
        await rig.Api.CallAsync("VBD.create", Records.Vbd(other, vdi, "0"));
        await rig.Api.StartVmAsync(rig.Vm);
        (await rig.Api.ErrorAsync("VM.start", other, false, false)).Should().Equal("VDI_IN_USE", vdi);
        (await rig.Api.ErrorAsync("VDI.destroy", vdi)).Should().Equal("VDI_IN_USE", vdi, "destroy");
        await rig.Api.CallAsync("VM.clean_shutdown", rig.Vm);
        await rig.Api.StartVmAsync(other);
        await rig.Api.CallAsync("VM.hard_shutdown", other);
    }

    [Fact]
    public async Task A_disabled_host_takes_no_guests()
    {
        var own = await RunningServer.CreateAsync();
        try
        {
            var api = await own.LoginAsync();
            var vm = await api.CreateVmAsync();
            var host = await api.HostAsync();
            own.Host.Records.Commit(unit => unit.Set(host, "enabled", false));
            (await api.ErrorAsync("VM.start", vm, false, false)).Should().Equal("NO_HOSTS_AVAILABLE");
            (await api.ErrorAsync("VM.start_on", vm, host, false, false)).Should().Equal("HOST_DISABLED", host);
            own.Host.Records.Commit(unit =>
            {
                unit.Set(host, "enabled", true);
                unit.Set(unit.Find(host)!.Target("metrics"), "live", false);
            });
            (await api.ErrorAsync("VM.start_on", vm, host, false, false)).Should().Equal("HOST_NOT_LIVE");
        }
        finally
        {
            await own.DisposeAsync();
        }
    }

    [Fact]
    public async Task A_disk_on_an_unplugged_SR_is_out_of_reach()
    {
        var own = await RunningServer.CreateAsync();
        try
        {
            var rig = await VmRig.CreateAsync(own);
            var sr = await rig.Disks.DefaultSrAsync();
            var pbd = (await rig.Api.ListAsync("SR.get_PBDs", sr))[0];
            own.Host.Records.Commit(unit => unit.Set(pbd, "currently_attached", false));
            (await rig.Api.ErrorAsync("VM.start", rig.Vm, false, false)).Should().Equal("NO_HOSTS_AVAILABLE");
            (await rig.Api.ErrorAsync("VM.start_on", rig.Vm, await rig.Api.HostAsync(), false, false)).Should().Equal("VM_REQUIRES_SR", rig.Vm, sr);
        }
        finally
        {
            await own.DisposeAsync();
        }
    }

    [Fact]
    public async Task Wrong_settings_are_found_at_the_start()
    {
        var api = await server.LoginAsync();
        var host = await api.HostAsync();
        var many = await api.CreateVmAsync("many", ("VCPUs_max", 64));
        (await api.ErrorAsync("VM.start_on", many, host, false, false)).Should().Equal("HOST_NOT_ENOUGH_PCPUS", "64", "4");
        var none = await api.CreateVmAsync("none", ("VCPUs_max", 0));
        (await api.ErrorAsync("VM.start_on", none, host, false, false)).Should().Equal("INVALID_VALUE", "VCPUs_max", "0");
        var over = await api.CreateVmAsync("over", ("VCPUs_at_startup", 3));
        (await api.ErrorAsync("VM.start_on", over, host, false, false)).Should().Equal("VALUE_NOT_SUPPORTED", "VCPUs-at-startup", "3", "more than VCPUs_max");
        var memory = await api.CreateVmAsync("memory", ("memory_dynamic_min", 2048 * Records.MiB));
        (await api.ErrorAsync("VM.start_on", memory, host, false, false)).Should().Equal("MEMORY_CONSTRAINT_VIOLATION");
        var crash = await api.CreateVmAsync("crash", ("actions_after_crash", "coredump_and_restart"));
        (await api.ErrorAsync("VM.start_on", crash, host, false, false)).Take(3).Should().Equal("VALUE_NOT_SUPPORTED", "VM.actions_after_crash", "coredump_and_restart");
        var version = await api.CreateVmAsync("version", ("hardware_platform_version", 7));
        (await api.ErrorAsync("VM.start_on", version, host, false, false)).Should().Equal("VM_HOST_INCOMPATIBLE_VIRTUAL_HARDWARE_PLATFORM_VERSION", host, "[0; 1; 2]", version, "7");
        (await api.ErrorAsync("VM.start", version, false, false)).Should().Equal("NO_HOSTS_AVAILABLE");
        var nested = await api.CreateVmAsync("nested", ("platform", JsonArguments.Map(("nested-virt", "true"))), ("memory_dynamic_min", 512 * Records.MiB));
        (await api.ErrorAsync("VM.start", nested, false, false)).Should().Equal("MEMORY_CONSTRAINT_VIOLATION_MAXPIN", "nested virt");
        await api.CallAsync("VM.start", nested, false, true);
        (await api.ListAsync("VM.get_allowed_operations", nested)).Should().NotContain(["suspend", "checkpoint", "pool_migrate", "migrate_send", "changing_dynamic_range"]);
    }
}
