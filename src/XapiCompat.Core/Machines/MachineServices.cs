using XapiCompat.Core.Operations;
using XapiCompat.Core.Services;
using XapiCompat.Store;

namespace XapiCompat.Core.Machines;

/// <summary>The services around the VM back end, joined.</summary>
public sealed class MachineServices
{
    public MachineServices(
        RecordStore store, StorageHost storage, OperationGuard guard, VdiService vdis, VolumeWork work, TaskService tasks, IVmBackend backend, VmMessages messages, IdSource ids, TimeProvider clock, CancellationToken stopping)
    {
        Backend = backend;
        Records = new(ids, clock);
        Images = new(store, storage, vdis, work);
        var disks = new DomainDisks(store, storage);
        Power = new(store, guard, backend, Records, new(store, backend, Records, stopping), Images, disks, new(store, tasks), messages, clock);
        Suspension = new(store, guard, backend, Records, Images, Power, disks, messages);
        Migration = new(store, guard, backend, Records, Power, messages);
        Evacuation = new(store, Migration);
        Appliances = new(store, guard, Power);
        Guests = new(store, guard, backend, Power);
        Recovery = new(store, backend, Records, Images, Power, Suspension);
    }

    public IVmBackend Backend { get; }

    public MachineRecords Records { get; }

    public SuspendImages Images { get; }

    public VmPower Power { get; }

    public VmSuspension Suspension { get; }

    public VmMigration Migration { get; }

    public HostEvacuation Evacuation { get; }

    public ApplianceService Appliances { get; }

    public GuestActions Guests { get; }

    public MachineRecovery Recovery { get; }
}
