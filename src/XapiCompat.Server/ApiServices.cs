using XapiCompat.Core.Access;
using XapiCompat.Core.Collecting;
using XapiCompat.Core.Dispatch;
using XapiCompat.Core.Events;
using XapiCompat.Core.Exports;
using XapiCompat.Core.Handlers;
using XapiCompat.Core.Machines;
using XapiCompat.Core.Operations;
using XapiCompat.Core.Plugins;
using XapiCompat.Core.Services;
using XapiCompat.Core.Transfers;
using XapiCompat.Datamodel;
using XapiCompat.Server.Checks;
using XapiCompat.Store;
using XapiCompat.Wire;

namespace XapiCompat.Server;

/// <summary>The services behind the API and the handlers that use them; a class of handlers gets one line here.</summary>
internal sealed class ApiServices
{
    public ApiServices(RecordStore store, StorageHost storage, Credentials credentials, ServerOptions options, IServerCertificate certificate, IdSource ids,
        TimeProvider clock, ServerLog log, CancellationToken stopping)
    {
        Roles = new RoleTable(store.Model);
        Access = new AccessControl(store.Model, Roles);
        var guard = new OperationGuard(store, clock);
        Sessions = new SessionService(store, ids, clock, credentials, Roles, new(options.SessionIdle, options.LoginPause, log.LoginFailed));
        Events = new EventService(store, Sessions, clock, options.EventDelay);
        Tasks = new TaskService(store, ids, clock, XmlRpcWriter.ValueText);
        var messages = new MessageService(store, ids, clock);
        Volumes = new VolumeRecords(storage, new(messages), ids);
        Collector = new(store, storage, Volumes, Tasks, ids, clock, options.CollectorDelay, log.NotCollected, stopping);
        var work = new VolumeWork(store, storage, Volumes, ids, clock) { CatchUp = Collector.CatchUpAsync };
        var vdis = new VdiService(store, storage, Volumes, work, guard, ids, clock);
        var copier = new VdiCopyService(store, storage, Volumes, work, guard, ids, clock);
        var vms = new VmService(store, guard);
        var vmMessages = new VmMessages(messages);
        Machines = new(store, storage, guard, vdis, work, Tasks, new SimulatedBackend(options.VmDurations, clock, stopping), vmMessages, ids, clock, stopping);
        var copies = new VmCopyService(store, work, copier, Machines.Suspension, vmMessages, guard, ids, clock);
        Schedules = new VmssService(store, copies, vms, vdis, messages, clock);
        var srs = new SrService(store, storage, Volumes, guard, ids);
        var pbds = new PbdService(store, storage, Volumes, guard, clock);
        var probe = new SrProbe(store, storage);
        LiveExports = new(store, storage, vdis, clock);
        Plugin = new XapiCompatPlugin(
            [new NbdPluginFunctions(store, LiveExports, NbdEndpoint, certificate), new CollectorPluginFunctions(store, Collector), new CheckFunctions(options), new RepositoryFunctions(store, storage), .. options.Lab?.Functions(store, storage, Volumes, ids, clock) ?? []]);
        var handlers = new HandlerTable(store.Model)
            .Bind(new SessionHandlers(store, Sessions, credentials))
            .Bind(new RoleHandlers(store))
            .Bind(new SubjectHandlers(store, ids))
            .Bind(new AuthHandlers(store, credentials))
            .Bind(new TaskHandlers(store, Tasks, Access))
            .Bind(new EventHandlers(Events, new(store, clock, options.EventDelay)))
            .Bind(new VdiHandlers(store, vdis, copier))
            .Bind(new VdiCopyHandlers(store, storage, Volumes, vdis, copier, new(store, storage, work, copier, guard, clock), guard))
            .Bind(new VdiRecordHandlers(store, new(store, storage, Volumes, guard, ids)))
            .Bind(new VdiFieldHandlers(store, vdis))
            .Bind(new NbdInfoHandlers(store, NbdEndpoint, certificate))
            .Bind(new VdiCbtHandlers(new(store, storage, Volumes, guard), new(store, storage, Volumes, guard, ids, clock)))
            .Bind(new SrHandlers(store, storage, Volumes, guard))
            .Bind(new SrLifecycleHandlers(store, srs, probe))
            .Bind(new SrFieldHandlers(store))
            .Bind(new SrDataSourceHandlers(new(store)))
            .Bind(new SrReplicationHandlers(store, new(store, vdis)))
            .Bind(new PbdHandlers(store, pbds, guard, ids))
            .Bind(new DrTaskHandlers(store, srs, pbds, probe, ids))
            .Bind(new NetworkHandlers(store, ids))
            .Bind(new VbdHandlers(store, ids))
            .Bind(new VbdPlugHandlers(store, guard))
            .Bind(new VbdMediaHandlers(store, guard))
            .Bind(new VifHandlers(store, ids))
            .Bind(new VifPlugHandlers(store, guard))
            .Bind(new VifFilterHandlers(store))
            .Bind(new VifAddressHandlers(store))
            .Bind(new VmHandlers(store, vms, ids))
            .Bind(new VmssHandlers(store, Schedules, ids))
            .Bind(new VmCopyHandlers(store, copies, new(store, storage, Volumes, work, vdis, Machines.Power, vmMessages, guard, ids, clock), new(store, copier, guard, ids, clock)))
            .Bind(new VmRecoveryHandlers(store, Sessions))
            .Bind(new VtpmHandlers(store, guard, ids))
            .Bind(new CrashdumpHandlers(store, vdis))
            .Bind(new NetworkAttachHandlers(store))
            .Bind(new PifHandlers(store))
            .Bind(new PifAddressHandlers(store))
            .Bind(new PifIntroduceHandlers(store, ids, new(store)))
            .Bind(new VlanHandlers(store, ids))
            .Bind(new BondHandlers(store, ids))
            .Bind(new TunnelHandlers(store, ids))
            .Bind(new ManagementHandlers(store))
            .Bind(new HostNetworkHandlers(store, ids))
            .Bind(new SwitchHandlers(store, ids))
            .Bind(new PvsHandlers(store, new(store, vdis, ids), ids))
            .Bind(new PgpuHandlers(store, new()))
            .Bind(new VgpuHandlers(store, ids))
            .Bind(new UsbHandlers(store, guard, ids))
            .Bind(new VmSettingHandlers(store))
            .Bind(new VmTemplateHandlers(store, guard, clock))
            .Bind(new VmBiosHandlers(store))
            .Bind(new VmPowerHandlers(Machines.Power, Machines.Suspension))
            .Bind(new VmMigrationHandlers(store, Machines.Migration))
            .Bind(new VmMemoryHandlers(store, guard))
            .Bind(new VmGuestHandlers(store, guard, Machines.Guests, new()))
            .Bind(new VmFirmwareHandlers(store))
            .Bind(new VmApplianceHandlers(store, Machines.Appliances))
            .Bind(new HostVmHandlers(store, Machines.Evacuation))
            .BindHostMessages(store, guard, srs, pbds, options, certificate, Machines.Power, ids, clock, [Plugin], stopping)
            .Verify();
        BoundMessages = handlers.Bound;
        Places = new(store);
        Dispatcher = new(store, handlers, Sessions, Tasks, Access, ids, new(options.Strict, log.Unexpected));
        Transfers = new DiskTransfers(store, storage, Sessions, Tasks, Access, vdis, stopping);
    }

    /// <summary>What this server offers beside the XenAPI.</summary>
    public XapiCompatPlugin Plugin { get; }

    public RoleTable Roles { get; }

    public AccessControl Access { get; }

    public SessionService Sessions { get; }

    public TaskService Tasks { get; }

    public EventService Events { get; }

    public VolumeRecords Volumes { get; }

    public Collector Collector { get; }

    public VmssService Schedules { get; }
    public MachineServices Machines { get; }

    public PoolPlaces Places { get; }

    public Dispatcher Dispatcher { get; }

    public DiskTransfers Transfers { get; }

    public LiveExports LiveExports { get; }

    public NbdEndpoint NbdEndpoint { get; } = new();

    public IReadOnlyCollection<MessageDef> BoundMessages { get; }
}
