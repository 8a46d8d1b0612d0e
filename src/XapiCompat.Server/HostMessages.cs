using XapiCompat.Core.Dispatch;
using XapiCompat.Core.Handlers;
using XapiCompat.Core.Machines;
using XapiCompat.Core.Operations;
using XapiCompat.Core.Plugins;
using XapiCompat.Core.Services;
using XapiCompat.Store;

namespace XapiCompat.Server;

/// <summary>Messages about hosts, the pool and what belongs to neither VMs, disks nor networks; see <see cref="ApiServices"/>.</summary>
internal static class HostMessages
{
    /// <param name="plugins">Those of host.call_plugin that the server brings along; docs/plugins.md.</param>
    public static HandlerTable BindHostMessages(
        this HandlerTable table, RecordStore store, OperationGuard guard, SrService srs, PbdService pbds, ServerOptions options, IServerCertificate certificate, VmPower machines, IdSource ids, TimeProvider clock,
        IEnumerable<IHostPlugin> plugins, CancellationToken stopping)
    {
        string InState(string name) => Path.Combine(options.State, name);
        var settings = new HostSettings(InState("hosts.json"));
        var messages = new MessageService(store, ids, clock);
        var ssh = new SshAccess(store, clock);
        stopping.Register(ssh.Dispose);
        ssh.Resume();
        var trust = new TrustService(
            store, new(InState("trust/ca"), "CERTIFICATE"), new(InState("trust/purpose"), "CERTIFICATE"), new(InState("trust/crl"), "CRL"), ids, clock);
        return table
            .Bind(new MessageHandlers(store, messages))
            .Bind(new BlobHandlers(store, ids))
            .Bind(new SecretHandlers(store, ids))
            .Bind(new HostPowerHandlers(store, guard, new(store, settings, clock), machines, settings))
            .Bind(new HostSettingHandlers(store, settings))
            .Bind(new HostTimeHandlers(store, new(settings, clock)))
            .Bind(new HostDiagnosticsHandlers(store, new(clock), clock))
            .Bind(new HostDataSourceHandlers(store, new(store, settings)))
            .Bind(new HostLicenseHandlers(store))
            .Bind(new StorageCacheHandlers(store))
            .Bind(new SshHandlers(store, ssh))
            .Bind(new TrustHandlers(store, trust))
            .Bind(new ServerCertificateHandlers(store, certificate, ids, clock))
            .Bind(new PoolSettingHandlers(store, ids, clock))
            .Bind(new PoolMemberHandlers(store, guard, messages))
            .Bind(new RepositoryHandlers(store, guard, ids))
            .Bind(new HostLifecycleHandlers(store, srs, pbds, guard, ids, clock))
            .Bind(new HostStorageHandlers(store))
            .Bind(new FailoverHandlers(store))
            .Bind(new HostDriverHandlers(store))
            .Bind(new ObserverHandlers(store))
            .Bind(new CallerHandlers(store))
            .Bind(new UpdateHandlers(store, ids, clock))
            .Bind(new PluginHandlers(store, plugins, new(InState("plugins.json"))));
    }
}
