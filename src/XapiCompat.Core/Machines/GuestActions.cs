using XapiCompat.Core.Dispatch;
using XapiCompat.Core.Operations;
using XapiCompat.Core.Services;
using XapiCompat.Store;
using XapiCompat.Values;

namespace XapiCompat.Core.Machines;

/// <summary>Keys and triggers for guests, and what becomes of a VM whose guest stops by itself.</summary>
public sealed class GuestActions(RecordStore store, OperationGuard guard, IVmBackend backend, VmPower power)
{
    public async ValueTask SignalAsync(CallContext context, Ref vm, GuestSignal signal, string value)
    {
        await using var scope = await guard.BeginAsync(context, [new("VM", vm.Text, signal == GuestSignal.SysRq ? "send_sysrq" : "send_trigger")]);
        var record = store.Current.Get("VM", vm);
        switch (Outcome(record, await backend.SignalAsync(power.Domain(vm), signal, value, context.Cancellation)))
        {
            case "destroy" or "coredump_and_destroy":
                await power.StopAsync(context, vm, clean: false, scope);
                break;
            case "restart" or "coredump_and_restart" or "soft_reboot":
                await power.RestartAsync(context, vm, scope);
                break;
            case "preserve":
                store.Commit(unit =>
                {
                    MachineRecords.Paused(unit, vm.Text, paused: true);
                    scope.End(unit);
                });
                break;
        }
    }

    /// <summary>Waits for a guest that generalises itself, which ends with its shutdown.</summary>
    public async ValueTask SysprepAsync(CallContext context, Ref vm)
    {
        await using var scope = await guard.BeginAsync(context, [new("VM", vm.Text, "sysprep")], patience: TimeSpan.Zero);
        var record = store.Current.Get("VM", vm);
        if (!record.Set("VBDs").Select(store.Current.Find).OfType<Record>().Any(v => v.Text("type") == "CD"))
            throw new XenException("SYSPREP", record.Uuid, "the VM has no CD drive");
        if (store.Current.Find(record.Target("guest_metrics"))?.Map("other")["feature-sysprep"]?.ToString() != "1")
            throw new XenException("SYSPREP", record.Uuid, "the guest's tools cannot do it");
        await power.StopAsync(context, vm, clean: true, scope);
    }

    private static string Outcome(Record vm, GuestReaction reaction) => reaction switch
    {
        GuestReaction.ShutDown => vm.Text("actions_after_shutdown"),
        GuestReaction.Reboot => vm.Text("actions_after_reboot"),
        GuestReaction.Crash => vm.Text("actions_after_crash"),
        _ => "",
    };
}
