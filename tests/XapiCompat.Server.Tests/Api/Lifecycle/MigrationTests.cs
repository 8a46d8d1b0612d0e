using System.Text.Json.Nodes;
using FluentAssertions;
using XapiCompat.Server.Tests.Support;
using Xunit;

namespace XapiCompat.Server.Tests.Api.Lifecycle;

/// <summary>VMs that move between two hosts, and which host a VM gets.</summary>
public sealed class MigrationTests : IAsyncLifetime
{
    private RunningServer _server = null!;
    private XenClient _api = null!;
    private string _first = "";
    private string _second = "";

    public async Task InitializeAsync()
    {
        _server = await RunningServer.CreateAsync();
        _api = await _server.LoginAsync();
        _first = await _api.HostAsync();
        _second = _server.AddHost();
    }

    public Task DisposeAsync() => _server.DisposeAsync();

    [Fact]
    [SeesEffectOf("VM.pool_migrate", "VM.restart_device_models", "host.compute_free_memory", "host.compute_memory_overhead")]
    public async Task A_running_VM_moves_with_its_memory()
    {
        var rig = await RigAsync();
        await _api.CallAsync("VM.start_on", rig.Vm, _first, false, false);
        var before = await rig.RecordAsync();
        var used = 1024 * Records.MiB + before["memory_overhead"].Number();
        var (freeFirst, freeSecond) = (await FreeAsync(_first), await FreeAsync(_second));
        await _api.CallAsync("VM.pool_migrate", rig.Vm, _second, JsonArguments.Map(("live", "true")));
        var vm = await rig.RecordAsync();
        vm["resident_on"].Text().Should().Be(_second);
        vm["scheduled_to_be_resident_on"].Text().Should().Be(Records.Null);
        vm["power_state"].Text().Should().Be("Running");
        vm["domid"].Number().Should().BeGreaterThan(before["domid"].Number());
        vm["consoles"].Texts().Should().BeEquivalentTo(before["consoles"].Texts());
        (await FreeAsync(_first)).Should().Be(freeFirst + used);
        (await FreeAsync(_second)).Should().Be(freeSecond - used);
        (await rig.VbdsAsync()).Should().OnlyContain(v => v["currently_attached"].Flag());
        (await _api.CallAsync("host.get_current_operations", _second)).AsObject().Should().BeEmpty();
        (await _api.CallAsync("host.compute_memory_overhead", _second)).Number().Should().Be((await _api.CallAsync("host.get_memory_overhead", _second)).Number());

        await _api.CallAsync("VM.restart_device_models", rig.Vm);
        var restarted = await rig.RecordAsync();
        restarted["resident_on"].Text().Should().Be(_second);
        restarted["domid"].Number().Should().BeGreaterThan(vm["domid"].Number());
    }

    [Fact]
    public async Task A_host_that_cannot_have_the_VM_refuses_it()
    {
        var rig = await RigAsync();
        await _api.CallAsync("VM.start_on", rig.Vm, _first, false, false);
        var sr = await rig.Disks.DefaultSrAsync();
        var none = JsonArguments.Map();
        _server.Host.Records.Commit(unit => unit.Set(_second, "enabled", false));
        (await _api.ErrorAsync("VM.pool_migrate", rig.Vm, _second, none)).Should().Equal("HOST_DISABLED", _second);
        _server.Host.Records.Commit(unit =>
        {
            unit.Set(_second, "enabled", true);
            foreach (var pbd in unit.Find(sr)!.Set("PBDs").Where(p => unit.Find(p)!.Target("host") == _second).ToList())
                unit.Set(pbd, "currently_attached", false);
        });
        (await _api.ErrorAsync("VM.pool_migrate", rig.Vm, _second, none)).Should().Equal("VM_REQUIRES_SR", rig.Vm, sr);
        (await _api.TextAsync("VM.get_resident_on", rig.Vm)).Should().Be(_first);
        (await rig.RecordAsync())["current_operations"]!.AsObject().Should().BeEmpty();
        await _api.CallAsync("VM.clean_shutdown", rig.Vm);
        (await _api.ErrorAsync("VM.pool_migrate", rig.Vm, _second, none)).Should().Equal("VM_BAD_POWER_STATE", rig.Vm, "running", "halted");
    }

    [Fact]
    [SeesEffectOf("VM.migrate_send", "host.migrate_receive", "VM.assert_can_migrate", "VM.assert_can_migrate_sender")]
    public async Task Migrate_send_moves_within_the_pool_and_changes_networks()
    {
        var rig = await RigAsync();
        await _api.CallAsync("VM.start_on", rig.Vm, _first, false, false);
        var pif = (await _api.ListAsync("host.get_PIFs", _second))[0];
        var network = await _api.TextAsync("PIF.get_network", pif);
        var destination = (await _api.CallAsync("host.migrate_receive", _second, network, JsonArguments.Map())).AsObject();
        destination["host"].Text().Should().Be(_second);
        destination["session_id"].Text().Should().Be(_api.Session);
        object?[] arguments = [rig.Vm, destination.DeepClone(), true, JsonArguments.Map(), JsonArguments.Map((rig.Vif, network)), JsonArguments.Map()];
        await _api.CallAsync("VM.assert_can_migrate", Clone(arguments));
        await _api.CallAsync("VM.assert_can_migrate_sender", rig.Vm, destination.DeepClone(), true, JsonArguments.Map(), JsonArguments.Map(), JsonArguments.Map(), JsonArguments.Map());
        (await _api.TextAsync("VM.migrate_send", Clone(arguments))).Should().Be(rig.Vm);
        (await _api.TextAsync("VM.get_resident_on", rig.Vm)).Should().Be(_second);
        (await _api.TextAsync("VIF.get_network", rig.Vif)).Should().Be(network);

        destination["host"] = "OpaqueRef:another-pool";
        (await _api.ErrorAsync("VM.migrate_send", rig.Vm, destination.DeepClone(), true, JsonArguments.Map(), JsonArguments.Map(), JsonArguments.Map()))
            .Should().Equal("VM_MIGRATE_CONTACT_REMOTE_SERVICE_FAILED");
        (await _api.ErrorAsync("VM.assert_can_migrate", rig.Vm, destination.DeepClone(), true, JsonArguments.Map(), JsonArguments.Map(), JsonArguments.Map()))
            .Should().Equal("VM_MIGRATE_CONTACT_REMOTE_SERVICE_FAILED");
    }

    [Fact]
    [SeesEffectOf("host.evacuate", "host.assert_can_evacuate", "host.get_vms_which_prevent_evacuation")]
    public async Task An_evacuated_host_has_no_guests()
    {
        var vms = new List<string>();
        for (var i = 0; i < 3; i++)
        {
            vms.Add(await _api.CreateVmAsync("guest " + i));
            await _api.CallAsync("VM.start_on", vms[i], _first, false, false);
        }

        await _api.CallAsync("host.assert_can_evacuate", _first);
        await _api.CallAsync("host.evacuate", _first, Records.Null, 2);
        foreach (var vm in vms)
            (await _api.TextAsync("VM.get_resident_on", vm)).Should().Be(_second);
        (await _api.CallAsync("host.get_current_operations", _first)).AsObject().Should().BeEmpty();

        var bare = await _api.CreateBareVmAsync("false");
        await _api.CallAsync("VM.start_on", bare, _second, false, false);
        var why = (await _api.CallAsync("host.get_vms_which_prevent_evacuation", _second)).AsObject();
        why.Should().ContainSingle();
        why[bare].Texts().Should().Equal("VM_LACKS_FEATURE", bare);
        (await _api.ErrorAsync("host.assert_can_evacuate", _second)).Should().Equal("CANNOT_EVACUATE_HOST", "VM_LACKS_FEATURE," + bare);
        (await _api.ErrorAsync("host.evacuate", _second)).Should().Equal("VM_LACKS_FEATURE", bare);
        (await _api.TextAsync("VM.get_resident_on", vms[0])).Should().Be(_second, "nothing moves when something must stay");
        _server.Host.Records.Commit(unit => unit.Set(_first, "enabled", false));
        (await _api.CallAsync("host.get_vms_which_prevent_evacuation", _second)).AsObject()[vms[0]].Texts().Should().Equal("NO_HOSTS_AVAILABLE", vms[0]);
    }

    [Fact]
    [SeesEffectOf("host.allocate_resources_for_vm", "VM.get_possible_hosts", "VM.assert_can_boot_here", "VM.atomic_set_resident_on", "VM.pool_migrate_complete")]
    public async Task A_start_takes_the_host_that_was_kept_or_asked_for()
    {
        var vm = await _api.CreateVmAsync();
        (await _api.ListAsync("VM.get_possible_hosts", vm)).Should().BeEquivalentTo(_first, _second);
        await _api.CallAsync("VM.assert_can_boot_here", vm, _second);
        var free = (await _api.CallAsync("host.compute_free_memory", _second)).Number();
        await _api.CallAsync("host.allocate_resources_for_vm", _second, vm, false);
        (await _api.CallAsync("host.compute_free_memory", _second)).Number().Should().BeLessThan(free - (1024 * Records.MiB));
        (await _api.ListAsync("VM.get_possible_hosts", vm)).Should().Equal(_second);
        await _api.StartVmAsync(vm);
        (await _api.TextAsync("VM.get_resident_on", vm)).Should().Be(_second);

        await _api.CallAsync("VM.pool_migrate_complete", vm, _first);
        (await _api.TextAsync("VM.get_resident_on", vm)).Should().Be(_first);
        await _api.CallAsync("VM.atomic_set_resident_on", vm, _second);
        (await _api.TextAsync("VM.get_resident_on", vm)).Should().Be(_second);

        var attached = await _api.CreateVmAsync("attached", ("affinity", _second));
        await _api.StartVmAsync(attached);
        (await _api.TextAsync("VM.get_resident_on", attached)).Should().Be(_second);
        var free3 = await _api.CreateVmAsync("free");
        await _api.StartVmAsync(free3);
        (await _api.TextAsync("VM.get_resident_on", free3)).Should().Be(_first, "it has more free memory");

        var big = await _api.CreateVmAsync("big", ("memory_static_max", 64 * 1024 * Records.MiB), ("memory_dynamic_max", 64 * 1024 * Records.MiB), ("memory_dynamic_min", 64 * 1024 * Records.MiB));
        (await _api.ErrorAsync("VM.assert_can_boot_here", big, _first))[0].Should().Be("HOST_NOT_ENOUGH_FREE_MEMORY");
        (await _api.ListAsync("VM.get_possible_hosts", big)).Should().BeEmpty();
    }

    [Fact]
    [SeesEffectOf("VM.assert_agile")]
    public async Task A_VM_is_agile_when_everything_it_has_is_shared()
    {
        var rig = await RigAsync();
        await _api.CallAsync("VM.assert_agile", rig.Vm);
        var sr = await rig.Disks.DefaultSrAsync();
        _server.Host.Records.Commit(unit => unit.Set(sr, "shared", false));
        (await _api.ErrorAsync("VM.assert_agile", rig.Vm)).Should().Equal("HA_CONSTRAINT_VIOLATION_SR_NOT_SHARED", sr);
    }

    [Fact]
    [SeesEffectOf("host.get_uncooperative_resident_VMs", "host.get_uncooperative_domains", "VM.get_cooperative")]
    public async Task All_guests_cooperate()
    {
        var vm = await _api.CreateVmAsync();
        (await _api.FlagAsync("VM.get_cooperative", vm)).Should().BeTrue();
        (await _api.ListAsync("host.get_uncooperative_resident_VMs", _first)).Should().BeEmpty();
        (await _api.ListAsync("host.get_uncooperative_domains", _first)).Should().BeEmpty();
    }

    /// <summary>On a network that both hosts have: one without PIFs is where its running VMs are.</summary>
    private async Task<VmRig> RigAsync()
    {
        var rig = await VmRig.CreateAsync(_server);
        var network = await _api.TextAsync("PIF.get_network", (await _api.ListAsync("host.get_PIFs", _second))[0]);
        _server.Host.Records.Commit(unit => unit.Set(rig.Vif, "network", network));
        return rig;
    }

    private static object?[] Clone(object?[] arguments) => [.. arguments.Select(a => a is JsonNode node ? node.DeepClone() : a)];

    private async Task<long> FreeAsync(string host) => (await _api.RecordAsync("host_metrics", await _api.TextAsync("host.get_metrics", host)))["memory_free"].Number();
}
