using XapiCompat.Core.Dispatch;
using XapiCompat.Core.Operations;
using XapiCompat.Store;
using XapiCompat.Values;

namespace XapiCompat.Core.Services;

/// <summary>The end of VMs and what hangs on them.</summary>
public sealed class VmService(RecordStore store, OperationGuard guard)
{
    public async ValueTask DestroyAsync(CallContext context, Ref self)
    {
        store.Current.Get("VM", self);
        await using var scope = await guard.BeginAsync(context, [new("VM", self.Text, "destroy")], require: records => Deletable(records.Get("VM", self)));
        store.Commit(unit => Delete(unit, unit.Get("VM", self)));
    }

    /// <summary>Default templates are refused by the rules; a VM made of one keeps the key until somebody takes it away.</summary>
    private static XenFailure? Deletable(Record vm) =>
        vm.Map("other_config")["default_template"]?.ToString() == "true" ? new("VM_CANNOT_DELETE_DEFAULT_TEMPLATE") : null;

    /// <summary>Removes a VM's record and its devices; disks and snapshots stay.</summary>
    public static void Delete(UnitOfWork unit, Record vm)
    {
        foreach (var child in vm.Set("children").ToList())
            unit.Set(child, "parent", vm["parent"]);
        DeviceRecords.DeleteAll(unit, vm);
        foreach (var other in vm.Set("consoles").ToList())
            unit.Delete(other);
        foreach (var blob in vm.Map("blobs").Values.Select(b => b.ToString()!).Where(b => unit.Find(b)?.Class.Name == "blob").ToList())
            unit.Delete(blob);
        unit.Delete(vm.Target("metrics"));
        unit.Delete(vm.Target("guest_metrics"));
        unit.Delete(vm.Reference);
    }
}
