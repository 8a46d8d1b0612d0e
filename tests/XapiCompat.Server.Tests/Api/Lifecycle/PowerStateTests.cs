using FluentAssertions;
using XapiCompat.Server.Tests.Support;
using Xunit;

namespace XapiCompat.Server.Tests.Api.Lifecycle;

/// <summary>Every power call in every power state: the allowed ones work, the others say which states they want.</summary>
public sealed class PowerStateTests(RunningServer server) : IClassFixture<RunningServer>
{
    private static readonly (string Method, string States, string After)[] Calls =
    [
        ("VM.start", "halted", "Running"),
        ("VM.start_on", "halted", "Running"),
        ("VM.pause", "running", "Paused"),
        ("VM.unpause", "paused", "Running"),
        ("VM.suspend", "running", "Suspended"),
        ("VM.resume", "suspended", "Running"),
        ("VM.resume_on", "suspended", "Running"),
        ("VM.clean_shutdown", "running", "Halted"),
        ("VM.hard_shutdown", "paused, suspended, running", "Halted"),
        ("VM.shutdown", "paused, suspended, running", "Halted"),
        ("VM.clean_reboot", "running", "Running"),
        ("VM.hard_reboot", "paused, running", "Running"),
    ];

    public static TheoryData<string, string> Matrix()
    {
        var data = new TheoryData<string, string>();
        foreach (var (method, _, _) in Calls)
        {
            foreach (var state in (string[])["Halted", "Running", "Paused", "Suspended"])
                data.Add(method, state);
        }

        return data;
    }

    [Theory]
    [MemberData(nameof(Matrix))]
    public async Task Each_state_allows_its_calls_only(string method, string state)
    {
        var api = await server.LoginAsync();
        var vm = await api.CreateVmAsync("matrix", ("memory_dynamic_min", 512 * Records.MiB));
        if (state != "Halted")
            await api.StartVmAsync(vm);
        if (state is "Paused" or "Suspended")
            await api.CallAsync(state == "Paused" ? "VM.pause" : "VM.suspend", vm);
        (await api.StateAsync(vm)).Should().Be(state);

        var (_, states, after) = Array.Find(Calls, c => c.Method == method);
        object?[] arguments = method switch
        {
            "VM.start" or "VM.resume" => [vm, false, false],
            "VM.start_on" or "VM.resume_on" => [vm, await api.HostAsync(), false, false],
            _ => [vm],
        };
        var operation = method[3..];
        var listed = (await api.ListAsync("VM.get_allowed_operations", vm)).Contains(operation);
        if (states.Split(", ").Contains(state.ToLowerInvariant()))
        {
            listed.Should().Be(operation != "shutdown", "shutdown is never listed");
            (await api.FinishedTaskAsync("Async." + method, arguments))["status"].Text().Should().Be("success");
            (await api.StateAsync(vm)).Should().Be(after);
        }
        else
        {
            listed.Should().BeFalse();
            string[] expected = ["VM_BAD_POWER_STATE", vm, states, state.ToLowerInvariant()];
            (await api.ErrorAsync(method, arguments)).Should().Equal(expected);
            (await api.ErrorAsync("VM.assert_operation_valid", vm, operation)).Should().Equal(expected);
            (await api.FinishedTaskAsync("Async." + method, arguments))["error_info"].Texts().Should().Equal(expected);
            (await api.StateAsync(vm)).Should().Be(state);
        }

        if (await api.StateAsync(vm) != "Halted")
            await api.CallAsync("VM.hard_shutdown", vm);
    }

    [Fact]
    public async Task Templates_and_snapshots_do_not_run()
    {
        var rig = await VmRig.CreateAsync(server);
        var snapshot = await rig.SnapshotAsync();
        (await rig.Api.ErrorAsync("VM.start", snapshot, false, false)).Should().Equal("VM_IS_SNAPSHOT", snapshot, "start");
        var template = await rig.Api.CreateVmAsync("template", ("is_a_template", true));
        (await rig.Api.ErrorAsync("VM.start", template, false, false)).Should().Equal("VM_IS_TEMPLATE", template, "start");
        await rig.Api.CallAsync("VM.add_to_blocked_operations", rig.Vm, "start", "not now");
        (await rig.Api.ErrorAsync("VM.start", rig.Vm, false, false)).Should().Equal("OPERATION_BLOCKED", rig.Vm, "not now");
    }
}
