using XapiCompat.XeCli.Selecting;

namespace XapiCompat.XeCli.Commands.Vm;

/// <summary>VMs that start, stop, sleep and wake.</summary>
public static class VmPowerCommands
{
    [XeCommand("vm-start")]
    public static Task StartAsync(XeCall call)
    {
        var force = call.Parameters.Flag("force");
        var paused = call.Parameters.Flag("paused");
        return call.Without("progress").ForEachVmAsync(vm => HostReport.OnNoHostAsync(call, vm.Reference, () => StartOneAsync(vm.Reference)), controlDomainsToo: true);

        async Task StartOneAsync(string vm)
        {
            if (call.Parameters.Find("on") is { } name)
                await call.RunAsync("VM.start_on", vm, await call.NamedHostAsync(name), paused, force);
            else
                await call.RunAsync("VM.start", vm, paused, force);
        }
    }

    [XeCommand("vm-suspend")]
    public static Task SuspendAsync(XeCall call) => call.Without("progress").ForEachVmAsync(vm => call.RunAsync("VM.suspend", vm.Reference));

    [XeCommand("vm-resume")]
    public static Task ResumeAsync(XeCall call)
    {
        var force = call.Parameters.Flag("force");
        return call.Without("progress").ForEachVmAsync(async vm =>
        {
            if (call.Parameters.Find("on") is { } name)
                await call.RunAsync("VM.resume_on", vm.Reference, await call.NamedHostAsync(name), false, force);
            else
                await HostReport.OnNoHostAsync(call, vm.Reference, () => call.RunAsync("VM.resume", vm.Reference, false, force));
        });
    }

    [XeCommand("vm-pause")]
    public static Task PauseAsync(XeCall call) => call.ForEachVmAsync(vm => call.Api.CallAsync("VM.pause", vm.Reference));

    [XeCommand("vm-unpause")]
    public static Task UnpauseAsync(XeCall call) => call.ForEachVmAsync(vm => call.Api.CallAsync("VM.unpause", vm.Reference));

    [XeCommand("vm-shutdown")]
    public static Task ShutdownAsync(XeCall call)
    {
        var message = call.Parameters.Flag("force") ? "VM.hard_shutdown" : "VM.clean_shutdown";
        return call.Without("progress").ForEachVmAsync(vm => call.RunAsync(message, vm.Reference));
    }

    [XeCommand("vm-reboot")]
    public static Task RebootAsync(XeCall call)
    {
        var message = call.Parameters.Flag("force") ? "VM.hard_reboot" : "VM.clean_reboot";
        return call.ForEachVmAsync(vm => call.Api.CallAsync(message, vm.Reference));
    }

    [XeCommand("vm-reset-powerstate")]
    public static Task ResetAsync(XeCall call)
    {
        call.DemandForce();
        return call.ForEachVmAsync(vm => call.Api.CallAsync("VM.power_state_reset", vm.Reference));
    }

    [XeCommand("vm-restart-device-models")]
    public static Task RestartDeviceModelsAsync(XeCall call) =>
        call.ForEachVmAsync(vm => call.Api.CallAsync("VM.restart_device_models", vm.Reference));
}
