using FluentAssertions;
using XapiCompat.Server.Tests.Support;
using Xunit;

namespace XapiCompat.Server.Tests.Api.Lifecycle;

/// <summary>Several VMs that start and stop together.</summary>
public sealed class ApplianceTests(RunningServer server) : IClassFixture<RunningServer>
{
    [Fact]
    [SeesEffectOf("VM_appliance.start", "VM_appliance.clean_shutdown", "VM_appliance.shutdown", "VM_appliance.hard_shutdown", "VM.set_appliance")]
    public async Task An_appliance_starts_in_order_and_stops_in_reverse()
    {
        var api = await server.LoginAsync();
        var appliance = await api.TextAsync("VM_appliance.create", JsonArguments.Map(("name_label", "app"), ("name_description", "")));
        (await api.ListAsync("VM_appliance.get_allowed_operations", appliance)).Should().BeEmpty();
        (await api.ErrorAsync("VM_appliance.start", appliance, false))[0].Should().Be("OPERATION_NOT_ALLOWED");
        var vms = new List<string>();
        for (var order = 2; order >= 0; order--)
        {
            var vm = await api.CreateVmAsync("order " + order);
            await api.CallAsync("VM.set_order", vm, order);
            await api.CallAsync("VM.set_appliance", vm, appliance);
            vms.Insert(0, vm);
        }

        (await api.ListAsync("VM_appliance.get_VMs", appliance)).Should().BeEquivalentTo(vms);
        (await api.ListAsync("VM_appliance.get_allowed_operations", appliance)).Should().Equal("start");
        await api.CallAsync("VM_appliance.start", appliance, false);
        var domids = new List<long>();
        foreach (var vm in vms)
            domids.Add((await api.CallAsync("VM.get_domid", vm)).Number());
        domids.Should().BeInAscendingOrder("order 0 is first").And.OnlyContain(d => d > 0);
        (await api.ListAsync("VM_appliance.get_allowed_operations", appliance)).Should().BeEquivalentTo("clean_shutdown", "hard_shutdown", "shutdown");
        foreach (var method in (string[])["clean_shutdown", "shutdown", "hard_shutdown"])
        {
            await api.CallAsync("VM_appliance." + method, appliance);
            foreach (var vm in vms)
                (await api.StateAsync(vm)).Should().Be("Halted");
            await api.CallAsync("VM_appliance.start", appliance, method == "hard_shutdown");
        }

        foreach (var vm in vms)
            (await api.StateAsync(vm)).Should().Be("Paused");
        (await api.ErrorAsync("VM.set_is_a_template", vms[0], true))[0].Should().BeOneOf("VM_BAD_POWER_STATE", "VM_IS_PART_OF_AN_APPLIANCE");
    }

    [Fact]
    public async Task VMs_that_do_not_follow_are_named()
    {
        var api = await server.LoginAsync();
        var appliance = await api.TextAsync("VM_appliance.create", JsonArguments.Map(("name_label", "partly"), ("name_description", "")));
        var good = await api.CreateVmAsync("good");
        var bad = await api.CreateVmAsync("bad", ("VCPUs_max", 64));
        await api.CallAsync("VM.set_appliance", good, appliance);
        await api.CallAsync("VM.set_appliance", bad, appliance);
        (await api.ErrorAsync("VM_appliance.start", appliance, false)).Should().Equal("OPERATION_PARTIALLY_FAILED", "VM_appliance.start", bad);
        (await api.StateAsync(good)).Should().Be("Running");
        await api.CallAsync("VM.set_appliance", bad, Records.Null);
        (await api.ListAsync("VM_appliance.get_VMs", appliance)).Should().Equal(good);
        var template = await api.CreateVmAsync("template", ("is_a_template", true));
        (await api.ErrorAsync("VM.set_appliance", template, appliance))[0].Should().Be("OPERATION_NOT_ALLOWED");
    }

    [Fact]
    [SeesEffectOf("VM.set_ha_restart_priority", "VM.set_ha_always_run", "VM.set_groups")]
    public async Task Protection_and_groups_are_settings()
    {
        var api = await server.LoginAsync();
        var vm = await api.CreateVmAsync();
        await api.StartVmAsync(vm);
        await api.CallAsync("VM.set_ha_restart_priority", vm, "restart");
        (await api.FlagAsync("VM.get_ha_always_run", vm)).Should().BeTrue();
        await api.CallAsync("VM.set_ha_always_run", vm, false);
        (await api.TextAsync("VM.get_ha_restart_priority", vm)).Should().BeEmpty();
        (await api.FlagAsync("VM.get_ha_always_run", vm)).Should().BeFalse();
        (await api.ErrorAsync("VM.set_ha_restart_priority", vm, "always")).Should().Equal("INVALID_VALUE", "ha_restart_priority", "always");

        var group = await api.TextAsync("VM_group.create", JsonArguments.Map(("name_label", "apart"), ("name_description", ""), ("placement", "anti_affinity")));
        await api.CallAsync("VM.set_groups", vm, JsonArguments.Array([group]));
        (await api.ListAsync("VM_group.get_VMs", group)).Should().Equal(vm);
        (await api.ErrorAsync("VM.set_groups", vm, JsonArguments.Array([group, group]))).Should().Equal("TOO_MANY_GROUPS");
    }
}
