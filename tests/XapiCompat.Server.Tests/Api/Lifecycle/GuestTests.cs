using FluentAssertions;
using XapiCompat.Server.Tests.Support;
using Xunit;

namespace XapiCompat.Server.Tests.Api.Lifecycle;

/// <summary>Memory, processors and measurements of running guests, and what guests do by themselves.</summary>
public sealed class GuestTests(RunningServer server) : IClassFixture<RunningServer>
{
    [Fact]
    [SeesEffectOf("VM.set_memory_target_live", "VM.wait_memory_target_live", "VM.set_shadow_multiplier_live", "VM.compute_memory_overhead")]
    public async Task Memory_of_a_running_guest_follows_its_target()
    {
        var api = await server.LoginAsync();
        var vm = await api.CreateVmAsync("balloon", ("memory_dynamic_min", 512 * Records.MiB));
        (await api.ErrorAsync("VM.set_memory_target_live", vm, 600 * Records.MiB)).Should().Equal("VM_BAD_POWER_STATE", vm, "running", "halted");
        var overhead = (await api.CallAsync("VM.compute_memory_overhead", vm)).Number();
        overhead.Should().Be(13 * Records.MiB, "2 vCPUs and 1 GiB: 10 MiB of tables, 2 of devices, 1 for processors");
        await api.StartVmAsync(vm);
        (await api.RecordAsync("VM", vm))["memory_overhead"].Number().Should().Be(overhead);
        var free = await api.FreeMemoryAsync();
        await api.CallAsync("VM.set_memory_target_live", vm, 600 * Records.MiB);
        await api.CallAsync("VM.wait_memory_target_live", vm);
        (await api.MetricsAsync(vm))["memory_actual"].Number().Should().Be(600 * Records.MiB);
        (await api.FreeMemoryAsync()).Should().Be(free + (424 * Records.MiB));
        (await api.ErrorAsync("VM.set_memory_target_live", vm, 2048 * Records.MiB))[0].Should().Be("MEMORY_CONSTRAINT_VIOLATION");
        await api.CallAsync("VM.set_shadow_multiplier_live", vm, 2.0);
        (await api.RecordAsync("VM", vm))["memory_overhead"].Number().Should().Be(overhead + (10 * Records.MiB));
        (await api.FreeMemoryAsync()).Should().Be(free + (414 * Records.MiB));
        (await api.ErrorAsync("VM.set_shadow_multiplier_live", vm, 0.5)).Take(2).Should().Equal("INVALID_VALUE", "multiplier");
        await api.CallAsync("VM.hard_shutdown", vm);
    }

    [Fact]
    [SeesEffectOf("VM.maximise_memory")]
    public async Task The_largest_memory_that_fits_is_found()
    {
        var api = await server.LoginAsync();
        var vm = await api.CreateVmAsync();
        var total = 4096 * Records.MiB;
        var most = (await api.CallAsync("VM.maximise_memory", vm, total, false)).Number();
        most.Should().BeLessThan(total).And.BeGreaterThan(total - (64 * Records.MiB));
        (most % Records.MiB).Should().Be(0);
        (await api.CallAsync("VM.maximise_memory", vm, total, true)).Number().Should().BeLessThan(most);
        (await api.CallAsync("VM.maximise_memory", vm, 0, false)).Number().Should().Be(0);
    }

    [Fact]
    [SeesEffectOf("VM.set_VCPUs_number_live", "VM.add_to_VCPUs_params_live")]
    public async Task Processors_are_added_while_the_guest_runs()
    {
        var api = await server.LoginAsync();
        var vm = await api.CreateVmAsync();
        await api.StartVmAsync(vm);
        await api.CallAsync("VM.set_VCPUs_number_live", vm, 2);
        (await api.MetricsAsync(vm))["VCPUs_number"].Number().Should().Be(2);
        (await api.RecordAsync("VM", vm))["VCPUs_at_startup"].Number().Should().Be(2);
        (await api.ErrorAsync("VM.set_VCPUs_number_live", vm, 3)).Should().Equal("INVALID_VALUE", "nvcpu", "3");
        await api.CallAsync("VM.add_to_VCPUs_params_live", vm, "weight", "512");
        (await api.MetricsAsync(vm))["VCPUs_params"]!["weight"].Text().Should().Be("512");
        var bare = await api.CreateBareVmAsync("false");
        await api.StartVmAsync(bare);
        (await api.ErrorAsync("VM.set_VCPUs_number_live", bare, 2)).Should().Equal("VM_LACKS_FEATURE", bare);
    }

    [Fact]
    [SeesEffectOf("VM.get_data_sources", "VM.query_data_source", "VM.record_data_source", "VM.forget_data_source_archives")]
    public async Task Measurements_are_listed_and_switched()
    {
        var api = await server.LoginAsync();
        var vm = await api.CreateVmAsync();
        (await api.ErrorAsync("VM.get_data_sources", vm))[0].Should().Be("VM_BAD_POWER_STATE");
        await api.StartVmAsync(vm);
        (await api.CallAsync("VM.query_data_source", vm, "memory")).GetValue<double>().Should().Be(1024 * Records.MiB);
        async Task<bool> EnabledAsync() => (await api.CallAsync("VM.get_data_sources", vm)).AsArray().Single(s => s!["name_label"].Text() == "cpu_usage")!["enabled"].Flag();
        (await EnabledAsync()).Should().BeFalse();
        await api.CallAsync("VM.record_data_source", vm, "cpu_usage");
        (await EnabledAsync()).Should().BeTrue();
        await api.CallAsync("VM.forget_data_source_archives", vm, "cpu_usage");
        (await EnabledAsync()).Should().BeFalse();
        (await api.ErrorAsync("VM.query_data_source", vm, "nothing")).Should().Equal("INVALID_VALUE", "data_source", "nothing");
    }

    [Fact]
    [SeesEffectOf("VM.get_boot_record")]
    public async Task The_boot_record_keeps_what_the_guest_was_started_with()
    {
        var api = await server.LoginAsync();
        var vm = await api.CreateVmAsync("booted");
        (await api.ErrorAsync("VM.get_boot_record", vm)).Should().Equal("VM_BAD_POWER_STATE", vm, "paused, suspended, running", "halted");
        await api.StartVmAsync(vm);
        await api.CallAsync("VM.set_PV_args", vm, "quiet");
        await api.CallAsync("VM.set_name_label", vm, "renamed");
        var record = (await api.CallAsync("VM.get_boot_record", vm)).AsObject();
        record["PV_args"].Text().Should().BeEmpty();
        record["name_label"].Text().Should().Be("renamed");
        record["VCPUs_max"].Number().Should().Be(2);
        record["power_state"].Text().Should().Be("Running");
    }

    [Theory]
    [InlineData("VM.send_sysrq", "o", "destroy", "restart", "Halted")]
    [InlineData("VM.send_sysrq", "b", "destroy", "restart", "Running")]
    [InlineData("VM.send_sysrq", "c", "destroy", "destroy", "Halted")]
    [InlineData("VM.send_trigger", "power", "restart", "restart", "Running")]
    [InlineData("VM.send_trigger", "nmi", "destroy", "preserve", "Paused")]
    [InlineData("VM.send_trigger", "nothing", "destroy", "destroy", "Running")]
    [SeesEffectOf("VM.send_sysrq", "VM.send_trigger")]
    public async Task A_guest_that_stops_by_itself_is_treated_as_its_VM_says(string method, string value, string afterShutdown, string afterCrash, string state)
    {
        var api = await server.LoginAsync();
        var vm = await api.CreateVmAsync("signal", ("actions_after_shutdown", afterShutdown), ("actions_after_crash", afterCrash));
        (await api.ErrorAsync(method, vm, value)).Should().Equal("VM_BAD_POWER_STATE", vm, "running", "halted");
        await api.StartVmAsync(vm);
        await api.CallAsync(method, vm, value);
        (await api.StateAsync(vm)).Should().Be(state);
        if (state != "Halted")
            await api.CallAsync("VM.hard_shutdown", vm);
    }

    [Fact]
    [SeesEffectOf("VM.s3_suspend", "VM.s3_resume")]
    public async Task A_sleeping_guest_keeps_its_domain()
    {
        var api = await server.LoginAsync();
        var vm = await api.CreateVmAsync();
        await api.StartVmAsync(vm);
        await api.CallAsync("VM.s3_suspend", vm);
        (await api.MetricsAsync(vm))["state"].Texts().Should().Equal("s3");
        (await api.StateAsync(vm)).Should().Be("Running");
        await api.CallAsync("VM.s3_resume", vm);
        (await api.MetricsAsync(vm))["state"].Texts().Should().BeEmpty();
    }

    [Fact]
    [SeesEffectOf("VM.call_plugin")]
    public async Task The_guest_agent_switches_remote_desktops()
    {
        var api = await server.LoginAsync();
        var vm = await api.CreateBareVmAsync("feature-ts2");
        await api.StartVmAsync(vm);
        await api.CallAsync("VM.call_plugin", vm, "guest-agent-operation", "request-rdp-on", JsonArguments.Map());
        (await api.GuestAsync(vm))["other"]!["data-ts"].Text().Should().Be("1");
        (await api.ErrorAsync("VM.call_plugin", vm, "other", "f", JsonArguments.Map())).Should().Equal("XENAPI_MISSING_PLUGIN", "other");
        (await api.ErrorAsync("VM.call_plugin", vm, "guest-agent-operation", "f", JsonArguments.Map())).Take(2).Should().Equal("XENAPI_PLUGIN_FAILURE", "failed to find fn");
    }

    [Fact]
    [SeesEffectOf("VM.query_services")]
    public async Task A_system_domain_tells_its_services()
    {
        var api = await server.LoginAsync();
        var vm = await api.CreateVmAsync();
        (await api.ErrorAsync("VM.query_services", vm)).Should().Equal("NOT_SYSTEM_DOMAIN", vm);
        await api.CallAsync("VM.add_to_other_config", vm, "is_system_domain", "true");
        await api.StartVmAsync(vm);
        var guest = await api.TextAsync("VM.get_guest_metrics", vm);
        server.Host.Records.Commit(unit => unit.Set(guest, "services", Values.XenStruct.Of(("SM", "nfs"))));
        (await api.CallAsync("VM.query_services", vm))["SM"].Text().Should().Be("nfs");
    }

    [Fact]
    [SeesEffectOf("VM.sysprep")]
    public async Task A_guest_that_generalises_itself_shuts_down()
    {
        var rig = await VmRig.CreateAsync(server);
        await rig.Api.CallAsync("VM.add_to_other_config", rig.Vm, Machines.ToolsKey, "feature-shutdown,feature-sysprep");
        await rig.Api.StartVmAsync(rig.Vm);
        await rig.Api.CallAsync("VM.sysprep", rig.Vm, "<unattend/>", 30.0);
        (await rig.Api.StateAsync(rig.Vm)).Should().Be("Halted");
        await rig.Api.CallAsync("VM.remove_from_other_config", rig.Vm, Machines.ToolsKey);
        await rig.Api.StartVmAsync(rig.Vm);
        (await rig.Api.ErrorAsync("VM.sysprep", rig.Vm, "<unattend/>", 30.0))[0].Should().Be("SYSPREP");
        (await rig.Api.ErrorAsync("VM.sysprep", rig.Vm, "<unattend/>", -1.0))[0].Should().Be("INVALID_VALUE");
    }

    [Fact]
    [SeesEffectOf("VM.set_NVRAM_EFI_variables", "VM.set_uefi_mode", "VM.get_secureboot_readiness", "VM.update_secureboot_certificates_on_boot")]
    public async Task Firmware_variables_decide_on_secure_boot()
    {
        var api = await server.LoginAsync();
        var bios = await api.CreateVmAsync();
        (await api.TextAsync("VM.get_secureboot_readiness", bios)).Should().Be("not_supported");
        var vm = await api.CreateVmAsync("uefi", ("HVM_boot_params", JsonArguments.Map(("firmware", "uefi"))));
        (await api.TextAsync("VM.get_secureboot_readiness", vm)).Should().Be("disabled");
        await api.CallAsync("VM.add_to_platform", vm, "secureboot", "true");
        (await api.TextAsync("VM.get_secureboot_readiness", vm)).Should().Be("first_boot");
        await api.CallAsync("VM.set_NVRAM_EFI_variables", vm, "dmFycw==");
        (await api.CallAsync("VM.get_NVRAM", vm))["EFI-variables"].Text().Should().Be("dmFycw==");
        (await api.TextAsync("VM.get_secureboot_readiness", vm)).Should().Be("ready");
        await api.CallAsync("VM.set_uefi_mode", vm, "setup");
        (await api.TextAsync("VM.get_secureboot_readiness", vm)).Should().Be("setup_mode");
        (await api.ErrorAsync("VM.update_secureboot_certificates_on_boot", vm, true))[0].Should().Be("OPERATION_NOT_ALLOWED");
        server.Host.Records.Commit(unit => unit.Set(vm, "secureboot_certificates_state", "update_available"));
        await api.CallAsync("VM.update_secureboot_certificates_on_boot", vm, true);
        (await api.TextAsync("VM.get_secureboot_certificates_state", vm)).Should().Be("update_on_boot");
        await api.StartVmAsync(vm);
        (await api.CallAsync("VM.get_platform", vm))["device-model"].Text().Should().Be("qemu-upstream-uefi");
    }
}
