using XapiCompat.Core.Dispatch;
using XapiCompat.Core.Operations;
using XapiCompat.Core.Services;
using XapiCompat.Store;
using XapiCompat.Values;

namespace XapiCompat.Core.Machines;

/// <summary>Moves VMs between the hosts of the pool. Disks stay where they are: both hosts must reach them.</summary>
public sealed class VmMigration(RecordStore store, OperationGuard guard, IVmBackend backend, MachineRecords machine, VmPower power, VmMessages messages)
{
    /// <summary>Moves a running VM; to its own host it is a restart of its device model, with a new domain.</summary>
    public ValueTask MigrateAsync(CallContext context, Ref vm, Ref host) => MoveAsync(context, vm, host, "pool_migrate");

    /// <summary>Moves a VM as migrate_send does within a pool: running ones live, others by nothing but where they start.</summary>
    public async ValueTask SendAsync(CallContext context, Ref vm, MigrationTarget target)
    {
        if (store.Current.Get("VM", vm).Text("power_state") is "Running")
        {
            await MoveAsync(context, vm, target.Host, "migrate_send", target.Interfaces);
            return;
        }

        await using var scope = await guard.BeginAsync(context, [new("VM", vm.Text, "migrate_send")]);
        store.Commit(unit =>
        {
            target.Connect(unit);
            unit.Set(vm.Text, "affinity", target.Host.Text);
            scope.End(unit);
        });
    }

    private async ValueTask MoveAsync(CallContext context, Ref vm, Ref host, string operation, IReadOnlyDictionary<string, string>? interfaces = null)
    {
        store.Current.Get("VM", vm);
        store.Current.Get("host", host);
        await using var scope = await guard.BeginAsync(
            context, [new("VM", vm.Text, operation)], unit => HostReservation.Take(unit, context, vm.Text, host.Text, "vm_migrate"));
        try
        {
            var domain = power.Domain(vm);
            var source = store.Current.Get("VM", vm).Target("resident_on");
            var domid = await backend.MigrateAsync(domain, Guid.Parse(store.Current.Get("host", host).Uuid), VmPower.Work(context));
            power.CommitOnSame(
                vm,
                domain,
                "running",
                unit =>
                {
                    foreach (var (vif, network) in interfaces ?? new Dictionary<string, string>())
                        unit.Set(vif, "network", network);
                    machine.Migrated(unit, vm.Text, host.Text, domid);
                    HostReservation.Release(unit, context, vm.Text, host.Text);
                    messages.Migrated(unit, vm, source);
                },
                scope);
        }
        finally
        {
            store.Commit(unit => HostReservation.Release(unit, context, vm.Text, host.Text));
        }
    }
}
