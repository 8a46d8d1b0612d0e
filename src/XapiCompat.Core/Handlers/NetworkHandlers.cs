using XapiCompat.Core.Dispatch;
using XapiCompat.Core.Networking;
using XapiCompat.Core.Services;
using XapiCompat.Store;
using XapiCompat.Values;

namespace XapiCompat.Core.Handlers;

public sealed class NetworkHandlers(RecordStore store, IdSource ids)
{
    private const int LongestBridge = 15;

    private static readonly string[] ReservedPrefixes = ["xen", "xapi", "vif", "tap", "eth"];

    /// <summary>An MTU that makes no sense becomes 1500; a bridge that is not named gets the next free name.</summary>
    [XenMessage("network.create")]
    public Ref Create(CallContext context, XenStruct args) => store.Commit(unit =>
    {
        var bridge = args["bridge"]?.ToString() ?? "";
        var taken = unit.All(unit.Model.Class("network")).Select(n => n.Text("bridge")).ToHashSet(StringComparer.Ordinal);
        if (bridge.Length > LongestBridge || ReservedPrefixes.Any(p => bridge.StartsWith(p, StringComparison.Ordinal)))
            throw new XenException("INVALID_VALUE", "bridge", bridge);
        if (bridge.Length > 0 && taken.Contains(bridge))
            throw new XenException("BRIDGE_NAME_EXISTS", bridge);
        for (var number = 0; bridge.Length == 0; number++)
            bridge = taken.Contains("xapi" + number) ? "" : "xapi" + number;

        var reference = ids.NewReference();
        unit.Insert(unit.Model.Class("network"), reference, CreateRecord.Fields(unit.Model.Class("network"), args));
        unit.Set(reference, "uuid", ids.NewUuidText());
        unit.Set(reference, "bridge", bridge);
        if (unit.Find(reference)!.Int("MTU") <= 0)
            unit.Set(reference, "MTU", 1500);
        return new Ref(reference);
    });

    /// <summary>The record as it is given: members of a pool bring the names that their hosts already use.</summary>
    [XenMessage("network.pool_introduce")]
    public Ref PoolIntroduce(
        CallContext context, string nameLabel, string nameDescription, long mtu, XenStruct otherConfig, string bridge, bool managed, XenArray purpose) => store.Commit(unit =>
    {
        var reference = ids.NewReference();
        unit.Insert(
            unit.Model.Class("network"),
            reference,
            ("uuid", ids.NewUuidText()),
            ("name_label", Storable.Clean(nameLabel)),
            ("name_description", Storable.Clean(nameDescription)),
            ("MTU", mtu),
            ("other_config", Storable.Clean(otherConfig)),
            ("bridge", Storable.Clean(bridge)),
            ("managed", managed),
            ("purpose", purpose));
        return new Ref(reference);
    });

    /// <summary>VIFs that are not plugged go with their network.</summary>
    [XenMessage("network.destroy")]
    public void Destroy(CallContext context, Ref self) => store.Commit(unit =>
    {
        var network = unit.Get("network", self);
        var vifs = unit.Pointing("VIF", "network", self.Text).ToList();
        if (vifs.Where(v => v.Flag("currently_attached") || v.Flag("reserved")).Select(v => v.Reference).ToList() is { Count: > 0 } plugged)
            throw new XenException("NETWORK_CONTAINS_VIF", plugged);
        if (unit.Pointing("PIF", "network", self.Text).Select(p => p.Reference).ToList() is { Count: > 0 } pifs)
            throw new XenException("NETWORK_CONTAINS_PIF", pifs);
        if (network.Map("other_config")["is_host_internal_management_network"]?.ToString() == "true")
            throw new XenException("CANNOT_DESTROY_SYSTEM_NETWORK", self.Text);
        vifs.ForEach(v => DeviceRecords.DeleteVif(unit, v));
        unit.Delete(self.Text);
    });

    [XenMessage("network.set_default_locking_mode")]
    public void SetDefaultLockingMode(CallContext context, Ref network, string value) => store.Commit(unit =>
    {
        unit.Get("network", network);
        if (unit.Pointing("VIF", "network", network.Text).FirstOrDefault(v => v.Flag("currently_attached")) is { } vif)
            throw new XenException("VIF_IN_USE", network.Text, vif.Reference);
        unit.Set(network.Text, "default_locking_mode", value);
    });

    /// <summary>A pool gives disks away with TLS or without, not both.</summary>
    [XenMessage("network.add_purpose")]
    public void AddPurpose(CallContext context, Ref self, string value) => store.Commit(unit =>
    {
        var network = unit.Get("network", self);
        PifRules.RequireManagedNetwork(network);
        if (network.Set("purpose").Contains(value))
            return;
        var conflicting = value == "nbd" ? "insecure_nbd" : "nbd";
        if (unit.All(unit.Model.Class("network")).Any(n => n.Set("purpose").Contains(conflicting)))
            throw new XenException("NETWORK_INCOMPATIBLE_PURPOSES", value, conflicting);
        unit.Set(self.Text, "purpose", XenArray.Of([value, .. network.Set("purpose")]));
    });

    [XenMessage("network.remove_purpose")]
    public void RemovePurpose(CallContext context, Ref self, string value) => store.Commit(unit =>
        unit.Set(self.Text, "purpose", XenArray.Of(unit.Get("network", self).Set("purpose").Where(p => p != value))));
}
