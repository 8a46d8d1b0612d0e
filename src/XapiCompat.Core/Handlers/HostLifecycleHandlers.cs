using XapiCompat.Core.Dispatch;
using XapiCompat.Core.Machines;
using XapiCompat.Core.Operations;
using XapiCompat.Core.Services;
using XapiCompat.Store;
using XapiCompat.Values;

namespace XapiCompat.Core.Handlers;

/// <summary>Hosts as records: made, declared dead, forgotten, taken out of the pool.</summary>
public sealed class HostLifecycleHandlers(RecordStore store, SrService srs, PbdService pbds, OperationGuard guard, IdSource ids, TimeProvider clock)
{
    /// <summary>What a joining host has the coordinator write: a host that is neither live nor enabled yet.</summary>
    [XenMessage("host.create")]
    public Ref Create(
        CallContext context, string uuid, string nameLabel, string nameDescription, string hostname, string address,
        string externalAuthType, string externalAuthServiceName, XenStruct externalAuthConfiguration, XenStruct licenseParams, string edition,
        XenStruct licenseServer, Ref localCacheSr, XenStruct chipsetInfo, bool sslLegacy, XenDateTime lastSoftwareUpdate, string lastUpdateHash,
        bool sshEnabled, long sshEnabledTimeout, XenDateTime sshExpiry, long consoleIdleTimeout, bool sshAutoMode, bool secureBoot,
        XenStruct softwareVersion, bool httpsOnly, string maxCstate, string ntpMode, XenArray ntpCustomServers, string timezone,
        string numaAffinityPolicy, string latestSyncedUpdatesApplied, XenArray pendingGuidancesFull, XenArray pendingGuidancesRecommended) => store.Commit(unit =>
    {
        var @class = unit.Model.Class("host");
        if (!Guid.TryParseExact(uuid, "D", out _) || unit.FindByUuid(@class, uuid) is not null)
            throw Errors.UuidInvalid("host", uuid);
        var coordinator = PoolHosts.Coordinator(unit);
        var metrics = ids.NewReference();
        unit.Insert(unit.Model.Class("host_metrics"), metrics, [("uuid", ids.NewUuidText()), ("last_updated", XenDate.Format(clock.GetUtcNow()))]);
        var reference = ids.NewReference();
        (string Field, XenValue Value)[] fields =
        [
            ("uuid", uuid), ("name_label", nameLabel), ("name_description", "Default install"), ("hostname", hostname), ("address", address),
            ("external_auth_type", externalAuthType), ("external_auth_service_name", externalAuthServiceName),
            ("external_auth_configuration", externalAuthConfiguration), ("license_params", licenseParams), ("edition", edition),
            ("license_server", licenseServer), ("local_cache_sr", localCacheSr.Text), ("chipset_info", chipsetInfo), ("ssl_legacy", false),
            ("last_software_update", lastSoftwareUpdate), ("last_update_hash", lastUpdateHash), ("ssh_enabled", sshEnabled),
            ("ssh_enabled_timeout", sshEnabledTimeout), ("ssh_expiry", sshExpiry), ("console_idle_timeout", consoleIdleTimeout),
            ("ssh_auto_mode", sshAutoMode), ("secure_boot", secureBoot), ("software_version", softwareVersion), ("https_only", httpsOnly),
            ("max_cstate", maxCstate), ("ntp_mode", ntpMode), ("ntp_custom_servers", ntpCustomServers), ("timezone", timezone),
            ("numa_affinity_policy", numaAffinityPolicy), ("latest_synced_updates_applied", latestSyncedUpdatesApplied),
            ("pending_guidances_full", pendingGuidancesFull), ("pending_guidances_recommended", pendingGuidancesRecommended),
            ("metrics", metrics), ("enabled", false), ("sched_policy", "credit"),
            ("tls_verification_enabled", PoolHosts.Pool(unit).Flag("tls_verification_enabled")),
            ("API_version_major", coordinator["API_version_major"]), ("API_version_minor", coordinator["API_version_minor"]),
            ("API_version_vendor", coordinator["API_version_vendor"]), ("supported_bootloaders", coordinator["supported_bootloaders"]),
        ];
        unit.Insert(@class, reference, fields.Select(f => (f.Field, Storable.Clean(f.Value))));
        return new Ref(reference);
    });

    /// <summary>VMs that ran there are Halted from now on.</summary>
    [XenMessage("host.declare_dead")]
    public void DeclareDead(CallContext context, Ref host) => store.Commit(unit =>
    {
        var record = unit.Get("host", host);
        AssertDead(unit, record);
        foreach (var guest in PoolHosts.Guests(unit, record).ToList())
            MachineRecords.Halted(unit, guest.Reference);
        unit.Set(host.Text, "enabled", false);
    });

    [XenMessage("host.destroy")]
    public void Destroy(CallContext context, Ref self) => store.Commit(unit =>
    {
        var host = unit.Get("host", self);
        AssertDead(unit, host);
        if (PoolHosts.Pool(unit).Flag("ha_enabled"))
            throw new XenException("HA_IS_ENABLED");
        if (PoolHosts.Guests(unit, host).Any())
            throw new XenException("HOST_HAS_RESIDENT_VMS", self.Text);
        HostRecords.Delete(unit, host);
    });

    /// <summary>
    /// A member goes, and SRs that no other host has a PBD of are forgotten with their disks. VMs on it must be gone, no disk may be in
    /// use there, and the coordinator stays.
    /// </summary>
    [XenMessage("pool.eject")]
    public async ValueTask Eject(CallContext context, Ref host)
    {
        AssertMayLeave(store.Current, host);
        await using var scope = await guard.BeginAsync(context, [new("pool", PoolHosts.Pool(store.Current).Reference, "eject")]);
        var plugs = store.Current.Get("host", host).Set("PBDs").ToList();
        var local = plugs.Select(p => store.Current.Get("PBD", p).Target("SR")).Where(s => store.Current.Get("SR", s).Set("PBDs").Count() == 1).ToList();
        foreach (var pbd in plugs)
            await pbds.UnplugAsync(context, new(pbd));
        foreach (var sr in local)
            await srs.ForgetAsync(context, new(sr));
        store.Commit(unit =>
        {
            AssertMayLeave(unit, host);
            HostRecords.Delete(unit, unit.Get("host", host));
            scope.End(unit);
        });
    }

    private static void AssertMayLeave(IRecords records, Ref host)
    {
        var record = records.Get("host", host);
        if (PoolHosts.Pool(records).Flag("ha_enabled"))
            throw new XenException("HA_IS_ENABLED");
        if (PoolHosts.Pool(records).Target("master") == host.Text)
            throw new XenException("HOST_CANNOT_DESTROY_SELF", host.Text);
        if (PoolHosts.Guests(records, record).Any())
            throw new XenException("OPERATION_NOT_ALLOWED", "VM resident on host");
    }

    private static void AssertDead(UnitOfWork unit, Record host)
    {
        if (PoolHosts.IsLive(unit, host) || PoolHosts.Pool(unit).Target("master") == host.Reference)
            throw new XenException("HOST_IS_LIVE", host.Reference);
    }
}
