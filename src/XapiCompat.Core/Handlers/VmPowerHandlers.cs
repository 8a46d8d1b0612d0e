using XapiCompat.Core.Dispatch;
using XapiCompat.Core.Machines;
using XapiCompat.Values;

namespace XapiCompat.Core.Handlers;

/// <summary>Power states of VMs.</summary>
public sealed class VmPowerHandlers(VmPower power, VmSuspension suspension)
{
    [XenMessage("VM.start")]
    public ValueTask Start(CallContext context, Ref vm, bool startPaused, bool force) => power.StartAsync(context, vm, null, startPaused, force);

    [XenMessage("VM.start_on")]
    public ValueTask StartOn(CallContext context, Ref vm, Ref host, bool startPaused, bool force) => power.StartAsync(context, vm, host, startPaused, force);

    [XenMessage("VM.pause")]
    public ValueTask Pause(CallContext context, Ref vm) => power.PauseAsync(context, vm);

    [XenMessage("VM.unpause")]
    public ValueTask Unpause(CallContext context, Ref vm) => power.UnpauseAsync(context, vm);

    [XenMessage("VM.clean_shutdown")]
    public ValueTask CleanShutdown(CallContext context, Ref vm) => power.CleanShutdownAsync(context, vm);

    [XenMessage("VM.hard_shutdown")]
    public ValueTask HardShutdown(CallContext context, Ref vm) => power.HardShutdownAsync(context, vm);

    [XenMessage("VM.shutdown")]
    public ValueTask Shutdown(CallContext context, Ref vm) => power.ShutdownAsync(context, vm);

    [XenMessage("VM.clean_reboot")]
    public ValueTask CleanReboot(CallContext context, Ref vm) => power.CleanRebootAsync(context, vm);

    [XenMessage("VM.hard_reboot")]
    public ValueTask HardReboot(CallContext context, Ref vm) => power.HardRebootAsync(context, vm);

    [XenMessage("VM.hard_reboot_internal")]
    public ValueTask HardRebootInternal(CallContext context, Ref vm) => power.RebootUnmarkedAsync(context, vm);

    [XenMessage("VM.power_state_reset")]
    public void PowerStateReset(CallContext context, Ref vm) => power.Reset(vm);

    [XenMessage("VM.suspend")]
    public ValueTask Suspend(CallContext context, Ref vm) => suspension.SuspendAsync(context, vm);

    [XenMessage("VM.resume")]
    public ValueTask Resume(CallContext context, Ref vm, bool startPaused, bool force) => suspension.ResumeAsync(context, vm, null, startPaused);

    [XenMessage("VM.resume_on")]
    public ValueTask ResumeOn(CallContext context, Ref vm, Ref host, bool startPaused, bool force) => suspension.ResumeAsync(context, vm, host, startPaused);
}
