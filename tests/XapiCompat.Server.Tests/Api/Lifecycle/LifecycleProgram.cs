using System.Text.Json.Nodes;
using FluentAssertions;
using XapiCompat.Server.Tests.Support;

namespace XapiCompat.Server.Tests.Api.Lifecycle;

/// <summary>One random program: every call is foretold by the model, and what it leaves is compared with it.</summary>
internal sealed class LifecycleProgram(XenClient api, Random random)
{
    private const int Most = 14;

    private static readonly string[] Operations =
    [
        "start", "start", "start_on", "start_paused", "pause", "unpause", "suspend", "resume", "resume_on", "clean_shutdown", "hard_shutdown", "shutdown", "clean_reboot",
        "hard_reboot", "pool_migrate", "snapshot", "checkpoint", "clone", "revert", "destroy", "block", "unblock", "power_state_reset", "changing_dynamic_range",
        "changing_shadow_memory", "changing_VCPUs_live", "get_boot_record", "data_source_op", "assert", "assert", "send_sysrq",
    ];

    private readonly List<ModelVm> _vms = [];
    private readonly List<string> _dead = [];
    private string _host = "";

    public List<string> Log { get; } = [];

    public int Allowed { get; private set; }

    public int Refused { get; private set; }

    public async Task PrepareAsync(string sr)
    {
        _host = await api.HostAsync();
        var disk = await api.TextAsync("VDI.create", Records.Vdi(sr, 2 * Records.MiB));
        await MakeAsync(r => new(r));
        await MakeAsync(r => new(r) { Tools = false }, ("other_config", JsonArguments.Map((Machines.ToolsKey, "false"))));
        await MakeAsync(r => new(r) { Paravirtual = true }, ("HVM_boot_policy", ""), ("domain_type", "pv"));
        await MakeAsync(r => new(r) { Template = true }, ("is_a_template", true));
        for (var i = 0; i < 2; i++)
        {
            var vm = await MakeAsync(r => new(r) { SharedDisk = disk });
            await api.CallAsync("VBD.create", Records.Vbd(vm.Reference, disk, "0"));
        }
    }

    public async Task RunAsync(int steps)
    {
        for (var i = 0; i < steps; i++)
        {
            var vm = _vms[random.Next(_vms.Count)];
            var operation = Operations[random.Next(Operations.Length)];
            if (_dead.Count > 0 && random.Next(100) == 0)
            {
                var gone = _dead[random.Next(_dead.Count)];
                await ExpectAsync(["HANDLE_INVALID", "VM", gone], "VM.pause", gone);
                continue;
            }

            await StepAsync(vm, operation);
            if (_vms.Contains(vm))
                await CompareAsync(vm);
            if (i % 50 == 0)
            {
                foreach (var each in _vms)
                    await CompareAsync(each);
            }
        }
    }

    private async Task StepAsync(ModelVm vm, string operation)
    {
        object?[] self = [vm.Reference];
        switch (operation)
        {
            case "start" or "start_on" or "start_paused":
                var on = operation == "start_on";
                var paused = operation == "start_paused";
                if (await ExpectAsync(LifecycleModel.Check(vm, on ? "start_on" : "start") ?? DiskTaken(vm), "VM." + (on ? "start_on" : "start"), on ? [vm.Reference, _host, false, false] : [vm.Reference, paused, false]))
                    Boot(vm, paused);
                break;
            case "resume" or "resume_on":
                if (await ExpectAsync(LifecycleModel.Check(vm, operation) ?? DiskTaken(vm), "VM." + operation, operation == "resume" ? [vm.Reference, false, false] : [vm.Reference, _host, false, false]))
                {
                    vm.State = "Running";
                    vm.Reported |= vm.Tools;
                }

                break;
            case "pause":
                if (await ExpectAsync(LifecycleModel.Check(vm, operation), "VM.pause", self))
                    vm.State = "Paused";
                break;
            case "unpause":
                if (await ExpectAsync(LifecycleModel.Check(vm, operation), "VM.unpause", self))
                    (vm.State, vm.Reported) = ("Running", vm.Reported || vm.Tools);
                break;
            case "suspend":
                if (await ExpectAsync(LifecycleModel.Check(vm, operation) ?? Deaf(vm, "VM_FAILED_SUSPEND_ACKNOWLEDGMENT"), "VM.suspend", self))
                    vm.State = "Suspended";
                break;
            case "clean_shutdown":
                if (await ExpectAsync(LifecycleModel.Check(vm, operation) ?? Deaf(vm, "VM_FAILED_SHUTDOWN_ACKNOWLEDGMENT"), "VM.clean_shutdown", self))
                    vm.State = "Halted";
                break;
            case "hard_shutdown" or "shutdown":
                if (await ExpectAsync(LifecycleModel.Check(vm, operation), "VM." + operation, self))
                    vm.State = "Halted";
                break;
            case "clean_reboot" or "hard_reboot":
                if (await ExpectAsync(LifecycleModel.Check(vm, operation) ?? (operation == "clean_reboot" ? Deaf(vm, "VM_FAILED_SHUTDOWN_ACKNOWLEDGMENT") : null), "VM." + operation, self))
                    Boot(vm, paused: false);
                break;
            case "pool_migrate":
                await ExpectAsync(LifecycleModel.Check(vm, operation), "VM.pool_migrate", vm.Reference, _host, JsonArguments.Map());
                break;
            case "power_state_reset":
                if (await ExpectAsync(vm.Live ? ["DOMAIN_EXISTS", vm.Reference] : null, "VM.power_state_reset", self))
                    vm.State = "Halted";
                break;
            case "send_sysrq":
                if (await ExpectAsync(LifecycleModel.Check(vm, operation), "VM.send_sysrq", vm.Reference, "o"))
                    vm.State = "Halted";
                break;
            case "get_boot_record":
                await ExpectAsync(LifecycleModel.Check(vm, operation), "VM.get_boot_record", self);
                break;
            case "data_source_op":
                await ExpectAsync(LifecycleModel.Check(vm, operation), "VM.get_data_sources", self);
                break;
            case "changing_dynamic_range":
                await ExpectAsync(LifecycleModel.Check(vm, operation), "VM.set_memory_dynamic_range", vm.Reference, 512 * Records.MiB, 1024 * Records.MiB);
                break;
            case "changing_shadow_memory":
                await ExpectAsync(LifecycleModel.Check(vm, operation), "VM.set_HVM_shadow_multiplier", vm.Reference, 1.0 + (random.Next(10) / 10.0));
                break;
            case "changing_VCPUs_live":
                await ExpectAsync(LifecycleModel.Check(vm, operation), "VM.set_VCPUs_number_live", vm.Reference, random.Next(1, 3));
                break;
            case "assert":
                var asked = LifecycleModel.States.Keys.ElementAt(random.Next(LifecycleModel.States.Count));
                await ExpectAsync(LifecycleModel.Check(vm, asked), "VM.assert_operation_valid", vm.Reference, asked);
                break;
            case "block":
                var blocked = LifecycleModel.Listed[random.Next(LifecycleModel.Listed.Length)];
                if (vm.Blocked.Count < 3 && vm.Blocked.TryAdd(blocked, "by test"))
                    await ExpectAsync(null, "VM.add_to_blocked_operations", vm.Reference, blocked, "by test");
                break;
            case "unblock":
                if (vm.Blocked.Keys.FirstOrDefault() is { } key && vm.Blocked.Remove(key))
                    await ExpectAsync(null, "VM.remove_from_blocked_operations", vm.Reference, key);
                break;
            default:
                await CopyOrRemoveAsync(vm, operation);
                break;
        }
    }

    private async Task CopyOrRemoveAsync(ModelVm vm, string operation)
    {
        switch (operation)
        {
            case "snapshot" or "checkpoint" or "clone" when vm.SharedDisk is null && _vms.Count < Most:
                var asksGuest = operation == "checkpoint" && vm.State == "Running";
                var deaf = asksGuest ? Deaf(vm, "VM_FAILED_SUSPEND_ACKNOWLEDGMENT") : null;
                if (await CallAsync(LifecycleModel.Check(vm, operation) ?? deaf, "VM." + operation, vm.Reference, "copy") is { } made)
                {
                    var snapshot = operation != "clone";
                    vm.Reported |= asksGuest && vm.Tools;
                    _vms.Add(new(made.GetValue<string>())
                    {
                        State = operation == "checkpoint" && vm.State is "Running" or "Suspended" ? "Suspended" : "Halted",
                        SnapshotOf = snapshot ? vm.Reference : null,
                        Template = snapshot || vm.Template,
                        Paravirtual = vm.Paravirtual,
                        Tools = vm.Tools,
                    });
                    if (snapshot)
                        _saved[made.GetValue<string>()] = new(vm.Blocked);
                }

                break;
            case "revert" when vm.SnapshotOf is null || !_dead.Contains(vm.SnapshotOf):
                var target = _vms.Find(v => v.Reference == vm.SnapshotOf);
                var refusal = LifecycleModel.Check(vm, "revert") ?? (target is null ? null : LifecycleModel.Check(target, "reverting"));
                if (await ExpectAsync(refusal, "VM.revert", vm.Reference) && target is not null)
                {
                    target.State = vm.State;
                    target.Blocked = new(_saved[vm.Reference]);
                }

                break;
            case "destroy" when _vms.Count > 8 && vm.SharedDisk is null && !(vm.Template && vm.SnapshotOf is null):
                if (await ExpectAsync(LifecycleModel.Check(vm, operation), "VM.destroy", vm.Reference))
                {
                    _vms.Remove(vm);
                    _dead.Add(vm.Reference);
                }

                break;
        }
    }

    private readonly Dictionary<string, Dictionary<string, string>> _saved = [];

    private void Boot(ModelVm vm, bool paused)
    {
        vm.State = paused ? "Paused" : "Running";
        vm.Reported = !paused && vm.Tools;
    }

    /// <summary>Guests without tools do not hear; paravirtual ones always do.</summary>
    private static string[]? Deaf(ModelVm vm, string error) => vm.Tools || vm.Paravirtual ? null : [error, vm.Reference];

    private string[]? DiskTaken(ModelVm vm) =>
        vm.SharedDisk is not null && _vms.Exists(v => v != vm && v.SharedDisk == vm.SharedDisk && v.Live) ? ["VDI_IN_USE", vm.SharedDisk] : null;

    private async Task<ModelVm> MakeAsync(Func<string, ModelVm> make, params (string Name, object? Value)[] other)
    {
        var vm = make(await api.CreateVmAsync("model", [("memory_dynamic_min", 512 * Records.MiB), .. other]));
        _vms.Add(vm);
        return vm;
    }

    private async Task<bool> ExpectAsync(string[]? expected, string method, params object?[] arguments) =>
        await CallAsync(expected, method, arguments) is not null;

    private async Task<JsonNode?> CallAsync(string[]? expected, string method, params object?[] arguments)
    {
        Log.Add(method + "(" + string.Join(", ", arguments.Select(a => a is JsonNode n ? n.ToJsonString() : a?.ToString())) + ") → " + (expected is null ? "done" : string.Join(' ', expected)));
        var answer = await api.AnswerAsync(method, arguments);
        (answer.Error ?? []).Should().Equal(expected ?? [], Log[^1]);
        if (expected is null)
            Allowed++;
        else
            Refused++;
        return expected is null ? answer.Value : null;
    }

    private async Task CompareAsync(ModelVm vm)
    {
        var record = await api.RecordAsync("VM", vm.Reference);
        record["power_state"].Text().Should().Be(vm.State, Last());
        record["allowed_operations"].Texts().Should().BeEquivalentTo(LifecycleModel.Allowed(vm), Last());
        record["current_operations"]!.AsObject().Should().BeEmpty(Last());
        (record["domid"].Number() > 0).Should().Be(vm.Live, Last());
        (record["resident_on"].Text() != Records.Null).Should().Be(vm.Live, Last());
        record["scheduled_to_be_resident_on"].Text().Should().Be(Records.Null, Last());
        (record["consoles"].Texts().Count > 0).Should().Be(vm.Live, Last());
        if (vm.State == "Suspended" && vm.SnapshotOf is null)
            record["suspend_VDI"].Text().Should().NotBe(Records.Null, Last());
    }

    private string Last() => Log.Count == 0 ? "" : Log[^1];
}
