using XapiCompat.Core.Services;
using XapiCompat.Store;
using XapiCompat.Values;

namespace XapiCompat.Core.Machines;

/// <summary>
/// At the start of the server: VMs whose domains exist go on as they are, the others are Halted, and what an interrupted
/// start, suspend or checkpoint left is taken back.
/// </summary>
public sealed class MachineRecovery(RecordStore store, IVmBackend backend, MachineRecords machine, SuspendImages images, VmPower power, VmSuspension suspension)
{
    private const string Resume = "resume";

    /// <summary>Holds while a running VM is suspended only for a moment: a server that ends meanwhile resumes it when it starts.</summary>
    public static Intent PromiseToResume(IdSource ids, Ref vm) => new(ids.NewUuidText(), "", Resume, [vm.Text]);

    public async ValueTask RunAsync(CancellationToken cancellationToken)
    {
        var database = store.Current;
        var live = database.All(database.Model.Class("VM")).Where(v => v.Text("power_state") is "Running" or "Paused" && !v.Flag("is_control_domain")).ToList();
        var alive = (await backend.AdoptAsync([.. live.Select(v => DomainSpecs.Handle(database, v))], cancellationToken)).ToHashSet();
        var removals = store.Commit(unit =>
        {
            var drops = new List<Func<ValueTask>>();
            foreach (var vm in live)
            {
                if (!new Ref(vm.Target("suspend_VDI")).IsNull)
                    drops.Add(images.Drop(unit, vm.Reference));
                if (alive.Contains(Guid.Parse(vm.Uuid)))
                    machine.Restore(unit, vm.Reference);
                else
                    MachineRecords.Halted(unit, vm.Reference);
            }

            foreach (var vm in unit.All(unit.Model.Class("VM")).Where(v => !new Ref(v.Target("scheduled_to_be_resident_on")).IsNull).ToList())
                unit.Set(vm.Reference, "scheduled_to_be_resident_on", Ref.Null.Text);
            foreach (var host in unit.All(unit.Model.Class("host")).ToList())
                MemoryModel.Refresh(unit, host.Reference);
            return drops;
        });
        foreach (var remove in removals)
            await remove();
        await KeepPromisesAsync(cancellationToken);
        ListenAgain();
    }

    private async ValueTask KeepPromisesAsync(CancellationToken cancellationToken)
    {
        foreach (var promise in store.Intents.Where(i => i.Operation == Resume).ToList())
        {
            var vm = new Ref(promise.Keys[0]);
            if (store.Current.Find(vm.Text)?.Text("power_state") == "Suspended")
            {
                try
                {
                    await suspension.RestoreAsync(new("", null, Ref.Null.Text, _ => { }, cancellationToken), vm, null, paused: false, null);
                }
                catch (XenException)
                {
                    // There is no host for it now: it stays Suspended, and its user can resume it.
                }
            }

            store.Commit(unit => unit.EndIntent(promise.Id));
        }
    }

    /// <summary>Guests whose tools had not reported when the server stopped.</summary>
    private void ListenAgain()
    {
        foreach (var vm in store.Current.All(store.Model.Class("VM")).Where(v => v.Text("power_state") == "Running" && !v.Flag("is_control_domain") && !new Ref(v.Target("resident_on")).IsNull).ToList())
        {
            if (store.Current.Find(vm.Target("guest_metrics")) is null && power.Listen(vm.Reference, vm.Int("domid")) is { } report)
                store.Commit(unit => machine.Reported(unit, vm.Reference, report));
        }
    }
}
