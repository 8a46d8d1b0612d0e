using XapiCompat.Core.Dispatch;
using XapiCompat.Core.Services;
using XapiCompat.Store;
using XapiCompat.Values;

namespace XapiCompat.Core.Handlers;

/// <summary>Settings of the pool that have limits or reach all hosts.</summary>
public sealed class PoolSettingHandlers(RecordStore store, IdSource ids, TimeProvider clock)
{
    private const int LastWeekday = 6;

    [XenMessage("pool.set_https_only")]
    public void SetHttpsOnly(CallContext context, Ref self, bool value) => OnAllHosts(self, (unit, host) => unit.Set(host.Reference, "https_only", value));

    [XenMessage("pool.disable_ssl_legacy")]
    public void DisableSslLegacy(CallContext context, Ref self) => OnAllHosts(self, (unit, host) => unit.Set(host.Reference, "ssl_legacy", false));

    [XenMessage("pool.enable_tls_verification")]
    public void EnableTlsVerification(CallContext context) => store.Commit(unit =>
    {
        var pool = PoolHosts.Pool(unit);
        if (pool.Flag("ha_enabled"))
            throw new XenException("HA_IS_ENABLED");
        unit.Set(pool.Reference, "tls_verification_enabled", true);
        foreach (var host in PoolHosts.Hosts(unit))
            unit.Set(host.Reference, "tls_verification_enabled", true);
    });

    [XenMessage("host.emergency_disable_tls_verification")]
    public void EmergencyDisableTlsVerification(CallContext context) =>
        store.Commit(unit => unit.Set(PoolHosts.Coordinator(unit).Reference, "tls_verification_enabled", false));

    [XenMessage("host.emergency_reenable_tls_verification")]
    public void EmergencyReenableTlsVerification(CallContext context) => store.Commit(unit =>
    {
        if (!PoolHosts.Pool(unit).Flag("tls_verification_enabled"))
            throw new XenException("TLS_VERIFICATION_NOT_ENABLED_IN_POOL");
        unit.Set(PoolHosts.Coordinator(unit).Reference, "tls_verification_enabled", true);
    });

    [XenMessage("host.emergency_clear_mandatory_guidance")]
    public void ClearGuidance(CallContext context) =>
        store.Commit(unit => unit.Set(PoolHosts.Coordinator(unit).Reference, "pending_guidances", XenArray.Empty));

    [XenMessage("pool.enable_client_certificate_auth")]
    public void EnableClientCertificates(CallContext context, Ref self, string name) => Set(self, ("client_certificate_auth_enabled", true), ("client_certificate_auth_name", name));

    [XenMessage("pool.disable_client_certificate_auth")]
    public void DisableClientCertificates(CallContext context, Ref self) => Set(self, ("client_certificate_auth_enabled", false), ("client_certificate_auth_name", ""));

    [XenMessage("pool.set_custom_uefi_certificates")]
    public void SetUefiCertificates(CallContext context, Ref self, string value) => Set(self, ("custom_uefi_certificates", value));

    /// <summary>Ready when all variables of secure boot are there; without those of a custom set nothing is.</summary>
    [XenMessage("pool.get_guest_secureboot_readiness")]
    public string GetSecureBootReadiness(CallContext context, Ref self) =>
        store.Current.Get("pool", self) is var pool && (pool.Text("custom_uefi_certificates").Length > 0 || pool.Text("uefi_certificates").Length > 0) ? "ready" : "not_ready";

    [XenMessage("pool.set_local_auth_max_threads")]
    public void SetLocalThreads(CallContext context, Ref self, long value) => Set(self, ("local_auth_max_threads", Positive(self, "local_auth_max_threads", value)));

    [XenMessage("pool.set_ext_auth_max_threads")]
    public void SetExternalThreads(CallContext context, Ref self, long value) => Set(self, ("ext_auth_max_threads", Positive(self, "ext_auth_max_threads", value)));

    [XenMessage("pool.set_ext_auth_cache_enabled")]
    public void SetCacheEnabled(CallContext context, Ref self, bool value) => Set(self, ("ext_auth_cache_enabled", value));

    [XenMessage("pool.set_ext_auth_cache_size")]
    public void SetCacheSize(CallContext context, Ref self, long value) =>
        Set(self, ("ext_auth_cache_size", value < 0 ? throw new XenException("INVALID_VALUE", "size", value.ToString()) : value));

    [XenMessage("pool.set_ext_auth_cache_expiry")]
    public void SetCacheExpiry(CallContext context, Ref self, long value) => Set(self, ("ext_auth_cache_expiry", Positive(self, "expiry", value)));

    /// <summary>At most two periods ahead.</summary>
    [XenMessage("pool.set_telemetry_next_collection")]
    public void SetTelemetryCollection(CallContext context, Ref self, XenDateTime value) => store.Commit(unit =>
    {
        var days = unit.Get("pool", self).Text("telemetry_frequency") switch { "daily" => 2, "weekly" => 14, _ => 62 };
        if (string.CompareOrdinal(value.Text, XenDate.Format(clock.GetUtcNow().AddDays(days)).Text) > 0)
            throw new XenException("TELEMETRY_NEXT_COLLECTION_TOO_LATE", value.Text);
        unit.Set(self.Text, "telemetry_next_collection", value);
    });

    [XenMessage("pool.reset_telemetry_uuid")]
    public void ResetTelemetry(CallContext context, Ref self) => store.Commit(unit =>
    {
        var old = unit.Get("pool", self).Target("telemetry_uuid");
        unit.Set(self.Text, "telemetry_uuid", PoolEdits.NewSecret(unit, ids, ids.NewUuidText()));
        unit.Delete(old);
    });

    [XenMessage("pool.configure_update_sync")]
    public void ConfigureUpdateSync(CallContext context, Ref self, string frequency, long day)
    {
        store.Current.Get("pool", self);
        if (frequency == "weekly" && day is < 0 or > LastWeekday)
            throw new XenException("INVALID_UPDATE_SYNC_DAY", day.ToString());
        Set(self, ("update_sync_frequency", frequency), ("update_sync_day", frequency == "daily" ? 0 : day));
    }

    [XenMessage("pool.add_to_guest_agent_config")]
    public void AddToGuestAgentConfig(CallContext context, Ref self, string key, string value) => store.Commit(unit =>
    {
        var pool = unit.Get("pool", self);
        var fits = key switch
        {
            "auto_update_enabled" => value is "true" or "false",
            "auto_update_url" => Uri.TryCreate(value, UriKind.Absolute, out var url) && url.Scheme is "http" or "https",
            _ => false,
        };
        if (!fits)
            throw new XenException("INVALID_VALUE", "guest_agent_config", key + " = " + value);
        MapEdits.Add(unit, pool, "guest_agent_config", key, value);
    });

    [XenMessage("pool.remove_from_guest_agent_config")]
    public void RemoveFromGuestAgentConfig(CallContext context, Ref self, string key) =>
        store.Commit(unit => MapEdits.Remove(unit, unit.Get("pool", self), "guest_agent_config", key));

    private long Positive(Ref self, string name, long value)
    {
        store.Current.Get("pool", self);
        return value > 0 ? value : throw new XenException("INVALID_VALUE", name, value.ToString());
    }

    private void Set(Ref self, params IEnumerable<(string Field, XenValue Value)> fields) => store.Commit(unit =>
    {
        unit.Get("pool", self);
        foreach (var (field, value) in fields)
            unit.Set(self.Text, field, Storable.Clean(value));
    });

    private void OnAllHosts(Ref self, Action<UnitOfWork, Record> change) => store.Commit(unit =>
    {
        unit.Get("pool", self);
        foreach (var host in PoolHosts.Hosts(unit))
            change(unit, host);
    });
}

/// <summary>Changes that several messages of the pool make.</summary>
internal static class PoolEdits
{
    public static string NewSecret(UnitOfWork unit, IdSource ids, string value)
    {
        var reference = ids.NewReference();
        unit.Insert(unit.Model.Class("secret"), reference, [("uuid", ids.NewUuidText()), ("value", value)]);
        return reference;
    }
}
