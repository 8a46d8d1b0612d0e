using XapiCompat.Core.Dispatch;
using XapiCompat.Core.Networking;
using XapiCompat.Core.Services;
using XapiCompat.Store;
using XapiCompat.Values;

namespace XapiCompat.Core.Handlers;

/// <summary>Interfaces found, introduced and forgotten; VLANs by the old calls.</summary>
public sealed class PifIntroduceHandlers(RecordStore store, IdSource ids, HostNics nics)
{
    [XenMessage("PIF.scan")]
    public void Scan(CallContext context, Ref host) => store.Commit(unit =>
    {
        unit.Get("host", host);
        foreach (var nic in nics.On(unit, host.Text).Values.Where(n => FindPif(unit, host.Text, n.Device) is null).OrderBy(n => n.Device, StringComparer.Ordinal))
            Introduce(unit, host.Text, nic, managed: true);
    });

    [XenMessage("PIF.introduce")]
    public Ref Introduce(CallContext context, Ref host, string mac, string device, bool managed) => store.Commit(unit =>
    {
        unit.Get("host", host);
        var found = nics.On(unit, host.Text).GetValueOrDefault(device);
        var address = mac.Length > 0 ? mac.ToLowerInvariant() : found?.Mac.ToLowerInvariant() ?? "";
        Addresses.RequireMac(address);
        if (FindPif(unit, host.Text, device) is not null)
            throw new XenException("DUPLICATE_PIF_DEVICE_NAME", device);
        if (found is null || !found.Mac.Equals(address, StringComparison.OrdinalIgnoreCase))
            throw new XenException("COULD_NOT_FIND_NETWORK_INTERFACE_WITH_SPECIFIED_DEVICE_NAME_AND_MAC_ADDRESS", device, address);
        return new Ref(Introduce(unit, host.Text, found, managed));
    });

    [XenMessage("PIF.forget")]
    public void Forget(CallContext context, Ref self) => store.Commit(unit =>
    {
        var pif = unit.Get("PIF", self);
        PifRules.RequireNotManagement(pif);
        PifRules.RequireNotBonded(unit, pif);
        PifRules.RequireNoVlans(unit, pif);
        if (pif.Int("VLAN") != -1)
            throw new XenException("PIF_VLAN_STILL_EXISTS", self.Text);
        PifRules.RequireNoTunnels(unit, pif);
        PoolFacts.RequireUnprotected(unit, pif);
        PifRules.RequireNoSriov(unit, pif);
        PifRules.RequireNoClustering(unit, pif);
        PifRecords.Delete(unit, pif);
    });

    /// <summary>The record as it is given, detached; nothing is done on the host.</summary>
    [XenMessage("PIF.db_introduce")]
    [XenMessage("PIF.pool_introduce")]
    public Ref PoolIntroduce(
        CallContext context,
        string device,
        Ref network,
        Ref host,
        string mac,
        long mtu,
        long vlan,
        bool physical,
        string ipConfigurationMode,
        string ip,
        string netmask,
        string gateway,
        string dns,
        Ref bondSlaveOf,
        Ref vlanMasterOf,
        bool management,
        XenStruct otherConfig,
        bool disallowUnplug,
        string ipv6ConfigurationMode,
        XenArray ipv6,
        string ipv6Gateway,
        string primaryAddressType,
        bool managed,
        XenStruct properties) => store.Commit(unit =>
    {
        unit.Get("network", network);
        unit.Get("host", host);
        if (vlan != -1)
            PifTopology.RequireNoTrunkVifs(unit, network.Text);
        return new Ref(PifRecords.Insert(
            unit,
            ids,
            Storable.Clean(device).ToString()!,
            network.Text,
            host.Text,
            ("MAC", Storable.Clean(mac)),
            ("MTU", mtu),
            ("VLAN", vlan),
            ("physical", physical),
            ("metrics", PifRecords.NewMetrics(unit, ids)),
            ("ip_configuration_mode", ipConfigurationMode),
            ("IP", Storable.Clean(ip)),
            ("netmask", Storable.Clean(netmask)),
            ("gateway", Storable.Clean(gateway)),
            ("DNS", Storable.Clean(dns)),
            ("VLAN_master_of", vlanMasterOf.Text),
            ("management", management),
            ("other_config", Storable.Clean(otherConfig)),
            ("disallow_unplug", disallowUnplug),
            ("ipv6_configuration_mode", ipv6ConfigurationMode),
            ("IPv6", Storable.Clean(ipv6)),
            ("ipv6_gateway", Storable.Clean(ipv6Gateway)),
            ("primary_address_type", primaryAddressType),
            ("managed", managed),
            ("properties", Storable.Clean(properties))));
    });

    [XenMessage("PIF.db_forget")]
    public void DbForget(CallContext context, Ref self) => store.Commit(unit => unit.Delete(unit.Get("PIF", self).Reference));

    [XenMessage("PIF.create_VLAN")]
    public Ref CreateVlan(CallContext context, string device, Ref network, Ref host, long tag) => store.Commit(unit =>
    {
        unit.Get("host", host);
        return new Ref(VlanHandlers.OnDevice(unit, ids, device, host.Text, unit.Get("network", network), tag));
    });

    [XenMessage("PIF.destroy")]
    public void Destroy(CallContext context, Ref self) => store.Commit(unit =>
    {
        var pif = unit.Get("PIF", self);
        if (pif.Int("VLAN") < 0)
            throw new XenException("PIF_IS_PHYSICAL");
        VlanRecords.Destroy(unit, unit.Get("VLAN", pif.Target("VLAN_master_of")));
    });

    private static Record? FindPif(IRecords records, string host, string device) =>
        records.Pointing("PIF", "host", host).FirstOrDefault(p => p.Flag("physical") && p.Text("device") == device);

    private string Introduce(UnitOfWork unit, string host, HostNic nic, bool managed) => PifRecords.Insert(
        unit,
        ids,
        nic.Device,
        PifRecords.NetworkFor(unit, ids, nic.Device, managed),
        host,
        ("MAC", nic.Mac),
        ("MTU", nic.Mtu),
        ("physical", true),
        ("metrics", PifRecords.NewMetrics(unit, ids)),
        ("managed", managed),
        ("properties", XenStruct.Of(("gro", "on"))));
}
