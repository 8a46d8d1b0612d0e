using XapiCompat.Core.Dispatch;
using XapiCompat.Core.Operations;
using XapiCompat.Core.Services;
using XapiCompat.Store;
using XapiCompat.Values;

namespace XapiCompat.Core.Machines;

/// <summary>Starts and stops the VMs of an appliance: orders one after another, the VMs of one order together.</summary>
public sealed class ApplianceService(RecordStore store, OperationGuard guard, VmPower power)
{
    public ValueTask StartAsync(CallContext context, Ref self, bool paused) =>
        RunAsync(context, self, "start", paused ? "Paused" : "Running", ascending: true, (part, vm) => power.StartAsync(part, vm, null, paused, force: false));

    public ValueTask CleanShutdownAsync(CallContext context, Ref self) =>
        RunAsync(context, self, "clean_shutdown", "Halted", ascending: false, power.CleanShutdownAsync);

    public ValueTask HardShutdownAsync(CallContext context, Ref self) =>
        RunAsync(context, self, "hard_shutdown", "Halted", ascending: false, power.HardShutdownAsync);

    public ValueTask ShutdownAsync(CallContext context, Ref self) =>
        RunAsync(context, self, "shutdown", "Halted", ascending: false, power.ShutdownAsync);

    private async ValueTask RunAsync(CallContext context, Ref self, string operation, string state, bool ascending, Func<CallContext, Ref, ValueTask> step)
    {
        await using var scope = await guard.BeginAsync(context, [new("VM_appliance", self.Text, operation)]);
        var targets = store.Current.Get("VM_appliance", self).Set("VMs").Select(store.Current.Find).OfType<Record>().Where(v => v.Text("power_state") != state).ToList();
        var groups = targets.GroupBy(v => v.Int("order")).OrderBy(g => ascending ? g.Key : -g.Key).ToList();
        for (var i = 0; i < groups.Count; i++)
        {
            context.Cancellation.ThrowIfCancellationRequested();
            var part = context.Part((double)i / groups.Count, (i + 1.0) / groups.Count);
            await Task.WhenAll(groups[i].Select(v => TryAsync(() => step(part, v.Ref))));
        }

        var failed = targets.Where(v => store.Current.Find(v.Reference)?.Text("power_state") != state).Select(v => v.Reference).ToList();
        if (failed.Count > 0)
            throw new XenException("OPERATION_PARTIALLY_FAILED", ["VM_appliance." + operation, .. failed]);
    }

    /// <summary>One VM that fails does not keep the others; the call tells in the end.</summary>
    private static async Task TryAsync(Func<ValueTask> step)
    {
        try
        {
            await step();
        }
        catch (XenException)
        {
            // Seen by its power state.
        }
    }
}
