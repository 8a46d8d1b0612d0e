using XapiCompat.Core.Dispatch;
using XapiCompat.Core.Operations;
using XapiCompat.Core.Services;
using XapiCompat.Store;
using XapiCompat.Values;

namespace XapiCompat.Core.Machines;

/// <summary>Empties a host of its guests: a plan for every VM there, or the reason why it must stay.</summary>
public sealed class HostEvacuation(RecordStore store, VmMigration migration)
{
    /// <summary>Each resident guest with the host that it goes to, or with what keeps it.</summary>
    public static IReadOnlyDictionary<string, (string? Host, XenFailure? Reason)> Plan(IRecords records, Record host)
    {
        var plan = new Dictionary<string, (string?, XenFailure?)>(StringComparer.Ordinal);
        var targets = records.All(records.Model.Class("host")).Where(h => h.Flag("enabled") && h.Reference != host.Reference).OrderBy(h => h.Uuid, StringComparer.Ordinal).ToList();
        var free = targets.ToDictionary(t => t.Reference, t => MemoryModel.FreeAtMost(records, t), StringComparer.Ordinal);
        var guests = host.Set("resident_VMs").Select(records.Find).OfType<Record>().Where(v => !v.Flag("is_control_domain"));
        foreach (var vm in guests.OrderByDescending(MemoryModel.NeededToStart).ThenBy(v => v.Uuid, StringComparer.Ordinal))
        {
            var reason = targets.Count == 0 ? new("NO_HOSTS_AVAILABLE", vm.Reference) : Obstacle(records, vm, targets);
            var needed = MemoryModel.NeededToStart(vm);
            var target = reason is null ? targets.OrderByDescending(t => free[t.Reference]).FirstOrDefault(t => free[t.Reference] >= needed) : null;
            if (target is not null)
                free[target.Reference] -= needed;
            plan[vm.Reference] = target is null ? (null, reason ?? new("HOST_NOT_ENOUGH_FREE_MEMORY", vm.Reference)) : (target.Reference, null);
        }

        return plan;
    }

    /// <summary>Moves all guests away, a few at a time; the first one that cannot move stops it before anything has moved.</summary>
    public async ValueTask EvacuateAsync(CallContext context, Ref host, long batch)
    {
        store.Commit(unit =>
        {
            var record = unit.Get("host", host);
            unit.Set(host.Text, "current_operations", record.Map("current_operations").With(context.Task, "evacuate"));
        });
        try
        {
            var plan = Plan(store.Current, store.Current.Get("host", host));
            if (plan.Values.Select(p => p.Reason).FirstOrDefault(r => r is not null) is { } reason)
                throw reason.AsException();
            var done = 0;
            foreach (var group in plan.Chunk(batch > 0 ? (int)Math.Min(batch, 1000) : 10))
            {
                await Task.WhenAll(group.Select(p => MoveAsync(context, p.Key, p.Value.Host!)));
                done += group.Length;
                context.Progress((double)done / plan.Count);
            }
        }
        finally
        {
            store.Commit(unit =>
            {
                if (unit.Find(host.Text) is { } record)
                    unit.Set(host.Text, "current_operations", record.Map("current_operations").Without(context.Task));
            });
        }
    }

    private async Task MoveAsync(CallContext context, string vm, string host)
    {
        try
        {
            await migration.MigrateAsync(context.Part(0, 0), new(vm), new(host));
        }
        catch (XenException e) when (e.Failure.Code == "VM_BAD_POWER_STATE")
        {
            // It has stopped by itself meanwhile.
        }
    }

    private static XenFailure? Obstacle(IRecords records, Record vm, List<Record> targets) =>
        VmOperations.Check(records, vm, "pool_migrate", advice: true)
        ?? targets.Select(t => HostPlacement.WhyNot(records, vm, t, memory: false)).FirstOrDefault(r => r is not null);
}
