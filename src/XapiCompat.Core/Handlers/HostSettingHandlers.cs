using XapiCompat.Core.Dispatch;
using XapiCompat.Core.Services;
using XapiCompat.Store;
using XapiCompat.Values;

namespace XapiCompat.Core.Handlers;

/// <summary>Settings of a host that are more than a field of its record, or have limits.</summary>
public sealed class HostSettingHandlers(RecordStore store, HostSettings settings)
{
    private const int LongestName = 255;

    [XenMessage("host.set_hostname_live")]
    public void SetHostnameLive(CallContext context, Ref host, string hostname)
    {
        var reason = hostname.Length == 0 ? "no name is given"
            : hostname.Length > LongestName ? "more than " + LongestName + " characters"
            : hostname[0] == '-' || hostname[^1] == '-' || !hostname.All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '.') ? "letters, digits, dots and inner hyphens only"
            : null;
        store.Commit(unit =>
        {
            var record = unit.Get("host", host);
            if (reason is not null)
                throw new XenException("HOST_NAME_INVALID", reason);
            unit.Set(host.Text, "hostname", hostname);
            if (unit.Find(record.Target("control_domain")) is { } domain)
                unit.Set(domain.Reference, "name_label", "Control domain on host: " + hostname);
        });
    }

    /// <summary>The field and the old place in other_config stay equal.</summary>
    [XenMessage("host.set_iscsi_iqn")]
    public void SetIscsiIqn(CallContext context, Ref host, string value) => store.Commit(unit =>
    {
        var record = unit.Get("host", host);
        if (value.Length == 0)
            throw new XenException("INVALID_VALUE", "value", value);
        unit.Set(host.Text, "iscsi_iqn", Storable.Clean(value));
        unit.Set(host.Text, "other_config", record.Map("other_config").With("iscsi_iqn", Storable.Clean(value)));
    });

    [XenMessage("host.set_multipathing")]
    public void SetMultipathing(CallContext context, Ref host, bool value) => store.Commit(unit =>
    {
        var record = unit.Get("host", host);
        unit.Set(host.Text, "multipathing", value);
        unit.Set(host.Text, "other_config", record.Map("other_config").With("multipathing", value ? "true" : "false"));
    });

    /// <summary>Empty or <c>unlimited</c>, or a C-state, with a sub-state behind a comma; only C0 and C1 are states.</summary>
    [XenMessage("host.set_max_cstate")]
    public void SetMaxCstate(CallContext context, Ref self, string value) => store.Commit(unit =>
    {
        unit.Get("host", self);
        var parts = value.Split(',');
        var unlimited = value is "" or "unlimited";
        if (!unlimited && (parts.Length > 2 || !parts.All(p => uint.TryParse(p, System.Globalization.NumberStyles.None, null, out _))))
            throw new XenException("INVALID_VALUE", "max_cstate", value);
        if (!unlimited && parts[0] is not ("0" or "1"))
            throw new XenException("VALUE_NOT_SUPPORTED", "max_cstate", value, "the limit is 0, 1 or none");
        unit.Set(self.Text, "max_cstate", value);
    });

    [XenMessage("host.set_sched_gran")]
    public void SetSchedGran(CallContext context, Ref self, string value) =>
        settings.Set(store.Current.Get("host", self).Uuid, HostSettings.SchedulerGranularity, value);

    [XenMessage("host.get_sched_gran")]
    public string GetSchedGran(CallContext context, Ref self) =>
        settings.Get(store.Current.Get("host", self).Uuid, HostSettings.SchedulerGranularity) ?? "cpu";

    [XenMessage("host.set_numa_affinity_policy")]
    public void SetNumaAffinityPolicy(CallContext context, Ref self, string value) => Set(self, "numa_affinity_policy", value);

    /// <summary>The old protocols are gone; the flag can only be cleared.</summary>
    [XenMessage("host.set_ssl_legacy")]
    public void SetSslLegacy(CallContext context, Ref self, bool value)
    {
        store.Current.Get("host", self);
        if (value)
            throw new XenException("VALUE_NOT_SUPPORTED", "value", "true", "no host speaks the old protocols any more");
        Set(self, "ssl_legacy", false);
    }

    [XenMessage("host.set_https_only")]
    public void SetHttpsOnly(CallContext context, Ref self, bool value) => Set(self, "https_only", value);

    [XenMessage("host.enable_display")]
    public string EnableDisplay(CallContext context, Ref host) => SetDisplay(host, now => now switch
    {
        "disable_on_reboot" => "enabled",
        "disabled" => "enable_on_reboot",
        _ => now,
    });

    [XenMessage("host.disable_display")]
    public string DisableDisplay(CallContext context, Ref host) => SetDisplay(host, now => now switch
    {
        "enabled" => "disable_on_reboot",
        "enable_on_reboot" => "disabled",
        _ => now,
    });

    [XenMessage("host.set_localdb_key")]
    public void SetLocalKey(CallContext context, Ref host, string key, string value) =>
        settings.Set(store.Current.Get("host", host).Uuid, key, value);

    /// <summary>Without an external directory there is nothing to leave; what a record still names is cleared.</summary>
    [XenMessage("host.disable_external_auth")]
    public void DisableExternalAuth(CallContext context, Ref host, XenStruct config, bool force) =>
        store.Commit(unit => HostEdits.ClearExternalAuth(unit, unit.Get("host", host)));

    private string SetDisplay(Ref host, Func<string, string> next) => store.Commit(unit =>
    {
        var display = next(unit.Get("host", host).Text("display"));
        unit.Set(host.Text, "display", display);
        return display;
    });

    private void Set(Ref self, string field, XenValue value) => store.Commit(unit => unit.Set(unit.Get("host", self).Reference, field, value));
}

/// <summary>Changes of a host's record that messages of the pool make on all hosts.</summary>
internal static class HostEdits
{
    public static void ClearExternalAuth(UnitOfWork unit, Record host)
    {
        unit.Set(host.Reference, "external_auth_type", "");
        unit.Set(host.Reference, "external_auth_service_name", "");
        unit.Set(host.Reference, "external_auth_configuration", XenStruct.Empty);
    }
}
