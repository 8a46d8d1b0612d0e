using XapiCompat.Core.Dispatch;
using XapiCompat.Core.Networking;
using XapiCompat.Core.Services;
using XapiCompat.Store;
using XapiCompat.Values;

namespace XapiCompat.Core.Handlers;

/// <summary>Which traffic a VIF may carry: locking mode, allowed addresses, VLAN trunks.</summary>
public sealed class VifFilterHandlers(RecordStore store)
{
    [XenMessage("VIF.set_locking_mode")]
    public void SetLockingMode(CallContext context, Ref self, string value) => store.Commit(unit =>
    {
        if (EffectiveMode(unit, unit.Get("VIF", self), value) == "locked")
        {
            if (unit.All(unit.Model.Class("SDN_controller")).Any() && unit.All(unit.Model.Class("host")).Any(PoolFacts.UsesVswitch))
                throw new XenException("OPERATION_NOT_ALLOWED", "the pool's SDN controller filters instead");
            PoolFacts.RequireFeature(unit, PoolFacts.VifLocking);
        }

        unit.Set(self.Text, "locking_mode", value);
    });

    [XenMessage("VIF.set_ipv4_allowed")]
    public void SetIpv4Allowed(CallContext context, Ref self, XenArray value) => SetAllowed(self, "ipv4_allowed", AddressFamilyRule.IPv4, value);

    [XenMessage("VIF.add_ipv4_allowed")]
    public void AddIpv4Allowed(CallContext context, Ref self, string value) => AddAllowed(self, "ipv4_allowed", AddressFamilyRule.IPv4, value);

    [XenMessage("VIF.remove_ipv4_allowed")]
    public void RemoveIpv4Allowed(CallContext context, Ref self, string value) => RemoveAllowed(self, "ipv4_allowed", value);

    [XenMessage("VIF.set_ipv6_allowed")]
    public void SetIpv6Allowed(CallContext context, Ref self, XenArray value) => SetAllowed(self, "ipv6_allowed", AddressFamilyRule.IPv6, value);

    [XenMessage("VIF.add_ipv6_allowed")]
    public void AddIpv6Allowed(CallContext context, Ref self, string value) => AddAllowed(self, "ipv6_allowed", AddressFamilyRule.IPv6, value);

    [XenMessage("VIF.remove_ipv6_allowed")]
    public void RemoveIpv6Allowed(CallContext context, Ref self, string value) => RemoveAllowed(self, "ipv6_allowed", value);

    [XenMessage("VIF.set_trunks")]
    public void SetTrunks(CallContext context, Ref self, XenArray value) => store.Commit(unit =>
    {
        var vif = unit.Get("VIF", self);
        if (value.Items.Count > 0)
            PifTopology.RequireNoVlanPifs(unit, vif.Target("network"));
        foreach (var tag in value.Items)
            Addresses.RequireVlanTag(((XenInt)tag).Number);
        unit.Set(self.Text, "trunks", new XenArray([.. value.Items.Distinct()]));
    });

    [XenMessage("VIF.add_trunks")]
    public void AddTrunks(CallContext context, Ref self, long value) => store.Commit(unit =>
    {
        var vif = unit.Get("VIF", self);
        Addresses.RequireVlanTag(value);
        PifTopology.RequireNoVlanPifs(unit, vif.Target("network"));
        var trunks = ((XenArray)vif["trunks"]).Items;
        if (!trunks.Contains(XenInt.Of(value)))
            unit.Set(self.Text, "trunks", new XenArray([XenInt.Of(value), .. trunks]));
    });

    [XenMessage("VIF.remove_trunks")]
    public void RemoveTrunks(CallContext context, Ref self, long value) => store.Commit(unit =>
        unit.Set(self.Text, "trunks", new XenArray([.. ((XenArray)unit.Get("VIF", self)["trunks"]).Items.Where(t => !t.Equals(XenInt.Of(value)))])));

    /// <summary>What holds for a VIF whose own mode is <paramref name="mode"/>: its network may decide.</summary>
    internal static string EffectiveMode(IRecords records, Record vif, string mode) =>
        mode == "network_default" ? records.FindOf("network", vif.Target("network"))?.Text("default_locking_mode") ?? mode : mode;

    private void SetAllowed(Ref self, string field, AddressFamilyRule family, XenArray value) => store.Commit(unit =>
    {
        unit.Get("VIF", self);
        var addresses = value.Items.Select(i => i.ToString()!).Distinct(StringComparer.Ordinal).ToList();
        if (addresses.Count > 0)
            PoolFacts.RequireFeature(unit, PoolFacts.VifLocking);
        addresses.ForEach(a => Addresses.RequireIpOrCidr(family, field, a));
        unit.Set(self.Text, field, XenArray.Of(addresses));
    });

    private void AddAllowed(Ref self, string field, AddressFamilyRule family, string value) => store.Commit(unit =>
    {
        var vif = unit.Get("VIF", self);
        PoolFacts.RequireFeature(unit, PoolFacts.VifLocking);
        Addresses.RequireIpOrCidr(family, field, value);
        if (!vif.Set(field).Contains(value))
            unit.Set(self.Text, field, XenArray.Of([.. vif.Set(field), value]));
    });

    private void RemoveAllowed(Ref self, string field, string value) => store.Commit(unit =>
        unit.Set(self.Text, field, XenArray.Of(unit.Get("VIF", self).Set(field).Where(a => a != value))));
}
