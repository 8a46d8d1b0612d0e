using System.Globalization;
using XapiCompat.Core.Dispatch;
using XapiCompat.Core.Networking;
using XapiCompat.Core.Services;
using XapiCompat.Store;
using XapiCompat.Values;

namespace XapiCompat.Core.Handlers;

/// <summary>Sites, servers and proxies of PVS, as records.</summary>
public sealed class PvsHandlers(RecordStore store, PvsCaches caches, IdSource ids)
{
    [XenMessage("PVS_site.introduce")]
    public Ref IntroduceSite(CallContext context, string nameLabel, string nameDescription, string pvsUuid) => store.Commit(unit =>
    {
        RequireUsable(unit);
        return Insert(unit, "PVS_site", ("name_label", Storable.Clean(nameLabel)), ("name_description", Storable.Clean(nameDescription)), ("PVS_uuid", Storable.Clean(pvsUuid)));
    });

    /// <summary>Its cache storage goes with it, disks included.</summary>
    [XenMessage("PVS_site.forget")]
    public async ValueTask ForgetSite(CallContext context, Ref self)
    {
        RequireEmpty(store.Current, self);
        foreach (var storage in store.Current.Pointing("PVS_cache_storage", "site", self.Text).ToList())
            await caches.DestroyAsync(context, storage.Ref);
        store.Commit(unit =>
        {
            RequireEmpty(unit, self);
            unit.Delete(self.Text);
        });
    }

    [XenMessage("PVS_cache_storage.create")]
    public ValueTask<Ref> CreateCache(CallContext context, XenStruct args) => caches.CreateAsync(
        context,
        new(args["host"]!.ToString()!),
        new(args["SR"]!.ToString()!),
        new(args["site"]!.ToString()!),
        ((XenInt)args["size"]!).Number);

    [XenMessage("PVS_cache_storage.destroy")]
    public ValueTask DestroyCache(CallContext context, Ref self) => caches.DestroyAsync(context, self);

    [XenMessage("PVS_site.set_PVS_uuid")]
    public void SetPvsUuid(CallContext context, Ref self, string value) => store.Commit(unit =>
    {
        RequireIdle(unit, self);
        unit.Set(self.Text, "PVS_uuid", Storable.Clean(value));
    });

    [XenMessage("PVS_server.introduce")]
    public Ref IntroduceServer(CallContext context, XenArray addresses, long firstPort, long lastPort, Ref site) => store.Commit(unit =>
    {
        RequireUsable(unit);
        var own = addresses.Items.Select(a => a.ToString()!).Distinct(StringComparer.Ordinal).ToList();
        own.ForEach(a => Addresses.RequireIp(AddressFamilyRule.Either, "addresses", a));
        var used = unit.All(unit.Model.Class("PVS_server")).SelectMany(s => s.Set("addresses")).ToHashSet(StringComparer.Ordinal);
        if (own.Where(used.Contains).ToList() is { Count: > 0 } taken)
            throw new XenException("PVS_SERVER_ADDRESS_IN_USE", taken);
        Addresses.RequirePort("first_port", firstPort);
        Addresses.RequirePort("last_port", lastPort);
        if (lastPort < firstPort)
            throw new XenException("VALUE_NOT_SUPPORTED", "last_port", lastPort.ToString(CultureInfo.InvariantCulture), "the range ends before it begins");
        PoolFacts.RequireReference(unit, "PVS_site", "site", site);
        return Insert(unit, "PVS_server", ("addresses", XenArray.Of(own)), ("first_port", firstPort), ("last_port", lastPort), ("site", site.Text));
    });

    [XenMessage("PVS_server.forget")]
    public void ForgetServer(CallContext context, Ref self) => store.Commit(unit => unit.Delete(unit.Get("PVS_server", self).Reference));

    /// <summary>A proxy serves the first interface of a VM; it runs when that is plugged where the site has servers and a cache.</summary>
    [XenMessage("PVS_proxy.create")]
    public Ref CreateProxy(CallContext context, Ref site, Ref vif) => store.Commit(unit =>
    {
        RequireUsable(unit);
        if (unit.Pointing("PVS_proxy", "VIF", vif.Text).Select(p => p.Reference).ToList() is { Count: > 0 } proxies)
            throw new XenException("PVS_PROXY_ALREADY_PRESENT", proxies);
        PoolFacts.RequireReference(unit, "PVS_site", "site", site);
        var device = PoolFacts.RequireReference(unit, "VIF", "VIF", vif);
        if (unit.Pointing("VIF", "VM", device.Target("VM")).Any(v => Number(v) < Number(device)))
            throw new XenException("PVS_VIF_MUST_BE_FIRST_DEVICE");
        var proxy = Insert(unit, "PVS_proxy", ("site", site.Text), ("VIF", vif.Text));
        if (device.Flag("currently_attached") && unit.FindOf("VM", device.Target("VM")) is { } vm)
            NetworkAttach.ForVif(unit, device, vm.Target("resident_on"));
        return proxy;
    });

    [XenMessage("PVS_proxy.destroy")]
    public void DestroyProxy(CallContext context, Ref self) => store.Commit(unit => unit.Delete(unit.Get("PVS_proxy", self).Reference));

    private static int Number(Record vif) => int.TryParse(vif.Text("device"), NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : int.MaxValue;

    private static void RequireUsable(UnitOfWork records)
    {
        PoolFacts.RequireFeature(records, PoolFacts.PvsProxy);
        PoolFacts.RequireVswitch(records);
    }

    private static void RequireEmpty(IRecords records, Ref site)
    {
        RequireIdle(records, site);
        if (records.Pointing("PVS_server", "site", site.Text).Select(s => s.Reference).ToList() is { Count: > 0 } servers)
            throw new XenException("PVS_SITE_CONTAINS_SERVERS", servers);
    }

    private static void RequireIdle(IRecords records, Ref site)
    {
        records.Get("PVS_site", site);
        if (records.Pointing("PVS_proxy", "site", site.Text).Where(p => p.Flag("currently_attached")).Select(p => p.Reference).ToList() is { Count: > 0 } running)
            throw new XenException("PVS_SITE_CONTAINS_RUNNING_PROXIES", running);
    }

    private Ref Insert(UnitOfWork unit, string @class, params (string Field, XenValue Value)[] fields) =>
        unit.Insert(unit.Model.Class(@class), ids.NewReference(), [("uuid", ids.NewUuidText()), .. fields]).Ref;
}
