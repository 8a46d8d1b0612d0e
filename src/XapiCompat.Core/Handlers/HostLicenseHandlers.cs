using XapiCompat.Core.Dispatch;
using XapiCompat.Core.Services;
using XapiCompat.Store;
using XapiCompat.Values;

namespace XapiCompat.Core.Handlers;

/// <summary>Editions and licences: a host takes the editions that it lists, and the pool may do what all its hosts may.</summary>
public sealed class HostLicenseHandlers(RecordStore store)
{
    [XenMessage("host.apply_edition")]
    public void ApplyEdition(CallContext context, Ref host, string edition, bool force) =>
        store.Commit(unit => Apply(unit, unit.Get("host", host), edition));

    /// <summary>Back to the first edition of the host, which needs no licence.</summary>
    [XenMessage("host.license_remove")]
    public void Remove(CallContext context, Ref host) => store.Commit(unit => Apply(unit, unit.Get("host", host), ""));

    [XenMessage("host.set_license_params")]
    public void SetParams(CallContext context, Ref self, XenStruct value) => store.Commit(unit =>
    {
        unit.Get("host", self);
        unit.Set(self.Text, "license_params", Storable.Clean(value));
        PoolHosts.UpdateRestrictions(unit);
    });

    /// <summary>All hosts or none.</summary>
    [XenMessage("pool.apply_edition")]
    public void ApplyPoolEdition(CallContext context, Ref self, string edition) => store.Commit(unit =>
    {
        unit.Get("pool", self);
        foreach (var host in PoolHosts.Hosts(unit))
            Apply(unit, host, edition);
    });

    /// <summary>The weakest edition in the pool and the first day on which a host's licence ends.</summary>
    [XenMessage("pool.get_license_state")]
    public XenStruct GetState(CallContext context, Ref self)
    {
        store.Current.Get("pool", self);
        var hosts = PoolHosts.Hosts(store.Current);
        var weakest = hosts.MinBy(h => h.Set("editions").ToList().IndexOf(h.Text("edition")))!;
        var expiry = hosts.Select(h => h.Map("license_params")["expiry"]?.ToString()).OfType<string>().Order(StringComparer.Ordinal).FirstOrDefault();
        return XenStruct.Of(("edition", weakest.Text("edition")), ("expiry", expiry ?? "never"));
    }

    private static void Apply(UnitOfWork unit, Record host, string edition)
    {
        var known = host.Set("editions").ToList();
        if (edition.Length == 0)
            edition = known.FirstOrDefault() ?? host.Text("edition");
        else if (!known.Contains(edition))
            throw new XenException("INVALID_EDITION", edition);
        unit.Set(host.Reference, "edition", edition);
        unit.Set(host.Reference, "license_params", host.Map("license_params").With("sku_type", edition).With("sockets", host.Map("cpu_info")["socket_count"] ?? "1"));
        PoolHosts.UpdateRestrictions(unit);
    }
}
