using XapiCompat.Core.Dispatch;
using XapiCompat.Core.Machines;
using XapiCompat.Core.Operations;
using XapiCompat.Core.Services;
using XapiCompat.Store;
using XapiCompat.Values;

namespace XapiCompat.Core.Handlers;

/// <summary>Moving VMs, and where they could run.</summary>
public sealed class VmMigrationHandlers(RecordStore store, VmMigration migration)
{
    [XenMessage("VM.pool_migrate")]
    public ValueTask PoolMigrate(CallContext context, Ref vm, Ref host, XenStruct options) => migration.MigrateAsync(context, vm, host);

    /// <summary>The last step of a migration, which a host tells the coordinator.</summary>
    [XenMessage("VM.pool_migrate_complete")]
    public void PoolMigrateComplete(CallContext context, Ref vm, Ref host) => SetResidentOn(vm, host);

    [XenMessage("VM.atomic_set_resident_on")]
    public void AtomicSetResidentOn(CallContext context, Ref vm, Ref host) => SetResidentOn(vm, host);

    /// <summary>Restarts the process beside the domain, which is a migration to where the VM is.</summary>
    [XenMessage("VM.restart_device_models")]
    public ValueTask RestartDeviceModels(CallContext context, Ref self)
    {
        var vm = store.Current.Get("VM", self);
        return vm.Text("power_state") == "Running"
            ? migration.MigrateAsync(context, self, new(vm.Target("resident_on")))
            : throw new XenException("VM_BAD_POWER_STATE", self.Text, "running", vm.Text("power_state").ToLowerInvariant());
    }

    [XenMessage("VM.migrate_send")]
    public async ValueTask<Ref> MigrateSend(
        CallContext context, Ref vm, XenStruct dest, bool live, XenStruct vdiMap, XenStruct vifMap, XenStruct options, XenStruct vgpuMap, XenStruct vdiFormatMap)
    {
        var target = Check(vm, dest, live, vdiMap, vifMap);
        await migration.SendAsync(context, vm, target);
        return vm;
    }

    [XenMessage("VM.assert_can_migrate")]
    public void AssertCanMigrate(CallContext context, Ref vm, XenStruct dest, bool live, XenStruct vdiMap, XenStruct vifMap, XenStruct options, XenStruct vgpuMap) =>
        AssertCanMove(vm, dest, live, vdiMap, vifMap);

    [XenMessage("VM.assert_can_migrate_sender")]
    public void AssertCanMigrateSender(CallContext context, Ref vm, XenStruct dest, bool live, XenStruct vdiMap, XenStruct vifMap, XenStruct vgpuMap, XenStruct options) =>
        AssertCanMove(vm, dest, live, vdiMap, vifMap);

    [XenMessage("host.migrate_receive")]
    public XenStruct MigrateReceive(CallContext context, Ref host, Ref network, XenStruct options)
    {
        var receiver = store.Current.Get("host", host);
        var connection = store.Current.Get("network", network);
        if (!connection.Set("PIFs").Select(store.Current.Find).OfType<Record>().Any(p => p.Target("host") == host.Text && p.Flag("currently_attached")))
            throw new XenException("HOST_CANNOT_ATTACH_NETWORK", host.Text, network.Text);
        return MigrationTarget.Describe(receiver, connection, context.Session);
    }

    [XenMessage("VM.get_possible_hosts")]
    public XenArray GetPossibleHosts(CallContext context, Ref vm) => XenArray.Of(HostPlacement.Possible(store.Current, store.Current.Get("VM", vm)));

    [XenMessage("VM.assert_can_boot_here")]
    public void AssertCanBootHere(CallContext context, Ref self, Ref host)
    {
        if (HostPlacement.WhyNot(store.Current, store.Current.Get("VM", self), store.Current.Get("host", host)) is { } reason)
            throw reason.AsException();
    }

    /// <summary>Whether the VM could be started on any host: nothing of it may live on one host only.</summary>
    [XenMessage("VM.assert_agile")]
    public void AssertAgile(CallContext context, Ref self)
    {
        if (Agility.WhyNot(store.Current, store.Current.Get("VM", self)) is { } reason)
            throw reason.AsException();
    }

    private void SetResidentOn(Ref vm, Ref host) => store.Commit(unit =>
    {
        unit.Get("VM", vm);
        unit.Get("host", host);
        MachineRecords.Arrived(unit, vm.Text, host.Text);
    });

    private void AssertCanMove(Ref vm, XenStruct dest, bool live, XenStruct vdiMap, XenStruct vifMap)
    {
        var target = Check(vm, dest, live, vdiMap, vifMap);
        if (VmOperations.Check(store.Current, store.Current.Get("VM", vm), "migrate_send") is { } failure)
            throw failure.AsException();
        if (HostPlacement.WhyNot(store.Current, store.Current.Get("VM", vm), store.Current.Get("host", target.Host)) is { } reason)
            throw reason.AsException();
    }

    private MigrationTarget Check(Ref vm, XenStruct dest, bool live, XenStruct vdiMap, XenStruct vifMap)
    {
        var record = store.Current.Get("VM", vm);
        var state = record.Text("power_state");
        if (!live && state is "Running")
            throw new XenException("VM_BAD_POWER_STATE", vm.Text, "halted", "running");
        return MigrationTarget.Read(store.Current, record, dest, vdiMap, vifMap);
    }
}
