using XapiCompat.Core.Dispatch;
using XapiCompat.Core.Operations;
using XapiCompat.Core.Services;
using XapiCompat.Store;
using XapiCompat.Values;

namespace XapiCompat.Core.Handlers;

/// <summary>What members of a pool ask their coordinator, and what is true of a pool as a whole.</summary>
public sealed class PoolMemberHandlers(RecordStore store, OperationGuard guard, MessageService messages)
{
    [XenMessage("pool.is_slave")]
    public bool IsSlave(CallContext context, Ref host)
    {
        store.Current.Get("host", host);
        // Calls arrive at the coordinator: members send their callers there.
        return false;
    }

    /// <summary>A member that comes back says where it is now; it is disabled until it has started.</summary>
    [XenMessage("pool.hello")]
    public string Hello(CallContext context, string uuid, string address) => store.Commit(unit =>
    {
        if (unit.FindByUuid(unit.Model.Class("host"), uuid) is not { } host)
            return "unknown_host";
        unit.Set(host.Reference, "address", address);
        if (host.Reference != PoolHosts.Pool(unit).Target("master"))
            unit.Set(host.Reference, "enabled", false);
        if (unit.Find(host.Target("metrics")) is { } metrics)
            unit.Set(metrics.Reference, "live", true);
        return "ok";
    });

    /// <summary>The members that follow this coordinator; here all that are live do.</summary>
    [XenMessage("pool.recover_slaves")]
    public XenArray RecoverSlaves(CallContext context) => XenArray.Of(PoolHosts.Hosts(store.Current)
        .Where(h => h.Reference != PoolHosts.Pool(store.Current).Target("master") && PoolHosts.IsLive(store.Current, h)).Select(h => h.Reference));

    /// <summary>Another live host answers from now on; the old coordinator sends its callers there.</summary>
    [XenMessage("pool.designate_new_master")]
    public async ValueTask DesignateNewMaster(CallContext context, Ref host)
    {
        store.Current.Get("host", host);
        var pool = PoolHosts.Pool(store.Current).Reference;
        await using var scope = await guard.BeginAsync(context, [new("pool", pool, "designate_new_master")]);
        store.Commit(unit =>
        {
            var wanted = unit.Get("host", host);
            scope.End(unit);
            if (unit.Find(pool)!.Target("master") == host.Text)
                return;
            if (unit.Find(pool)!.Flag("ha_enabled"))
                throw new XenException("HA_IS_ENABLED");
            if (!PoolHosts.IsLive(unit, wanted))
                throw new XenException("HOST_OFFLINE", host.Text);
            unit.Set(pool, "master", host.Text);
            unit.Set(pool, "last_update_sync", XenDate.Never);
        });
    }

    /// <summary>Hosts that differ from the coordinator in their external directory get a message.</summary>
    [XenMessage("pool.detect_nonhomogeneous_external_auth")]
    public void DetectNonhomogeneousAuth(CallContext context, Ref pool) => store.Commit(unit =>
    {
        unit.Get("pool", pool);
        var coordinator = PoolHosts.Coordinator(unit);
        foreach (var host in PoolHosts.Hosts(unit).Where(h => Auth(h) != Auth(coordinator)))
            messages.Add(unit, "AUTH_EXTERNAL_POOL_NON_HOMOGENEOUS", 2, "Host", host.Uuid, "host_external_auth_type=" + host.Text("external_auth_type"));
    });

    [XenMessage("pool.disable_external_auth")]
    public void DisableExternalAuth(CallContext context, Ref pool, XenStruct config) => store.Commit(unit =>
    {
        unit.Get("pool", pool);
        foreach (var host in PoolHosts.Hosts(unit))
            HostEdits.ClearExternalAuth(unit, host);
    });

    /// <summary>What stands against updating now: hosts that are down, and VMs that could not move away before a reboot.</summary>
    [XenMessage("pool.check_update_readiness")]
    public XenArray CheckUpdateReadiness(CallContext context, Ref self, bool requiresReboot)
    {
        var records = store.Current;
        var found = new List<XenValue>();
        if (records.Get("pool", self).Flag("ha_enabled"))
            found.Add(XenArray.Of(["HA_IS_ENABLED"]));
        var hosts = PoolHosts.Hosts(records);
        foreach (var host in hosts)
        {
            if (!PoolHosts.IsLive(records, host))
                found.Add(XenArray.Of(["HOST_OFFLINE", host.Reference]));
            else if (requiresReboot && !hosts.Any(h => h != host && h.Flag("enabled") && PoolHosts.IsLive(records, h)))
                found.AddRange(PoolHosts.Guests(records, host).Select(v => XenArray.Of(["NO_HOSTS_AVAILABLE"])));
        }

        return new(found);
    }

    [XenMessage("pool.sync_database")]
    public void SyncDatabase(CallContext context) => store.Flush();

    [XenMessage("pool.set_ha_host_failures_to_tolerate")]
    public void SetFailuresToTolerate(CallContext context, Ref self, long value) => store.Commit(unit =>
    {
        unit.Get("pool", self);
        if (value < 0)
            throw new XenException("INVALID_VALUE", "ha_host_failures_to_tolerate", value.ToString());
        unit.Set(self.Text, "ha_host_failures_to_tolerate", value);
    });

    [XenMessage("pool.disable_redo_log")]
    public void DisableRedoLog(CallContext context) => store.Commit(unit => unit.Set(PoolHosts.Pool(unit).Reference, "redo_log_enabled", false));

    private static (string, string) Auth(Record host) => (host.Text("external_auth_type"), host.Text("external_auth_service_name"));
}
