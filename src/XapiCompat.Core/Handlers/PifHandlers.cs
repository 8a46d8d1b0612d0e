using XapiCompat.Core.Dispatch;
using XapiCompat.Core.Networking;
using XapiCompat.Core.Services;
using XapiCompat.Store;
using XapiCompat.Values;

namespace XapiCompat.Core.Handlers;

/// <summary>Interfaces of hosts: up, down, and their settings other than addresses.</summary>
public sealed class PifHandlers(RecordStore store)
{
    private const string OffloadProperty = "gro";

    [XenMessage("PIF.plug")]
    public void Plug(CallContext context, Ref self) => store.Commit(unit => PifPlug.Plug(unit, unit.Get("PIF", self)));

    [XenMessage("PIF.unplug")]
    public void Unplug(CallContext context, Ref self) => store.Commit(unit => PifPlug.Unplug(unit, unit.Get("PIF", self)));

    [XenMessage("PIF.set_disallow_unplug")]
    public void SetDisallowUnplug(CallContext context, Ref self, bool value) => store.Commit(unit =>
    {
        var pif = unit.Get("PIF", self);
        if (pif.Flag("disallow_unplug") == value)
            return;
        if (!value)
        {
            PifRules.RequireNoClustering(unit, pif);
            RequireQuietCluster(unit);
        }

        unit.Set(self.Text, "disallow_unplug", value);
    });

    /// <summary>Interfaces that are on hardware or on a bond have properties; a bond's members follow it.</summary>
    [XenMessage("PIF.set_property")]
    public void SetProperty(CallContext context, Ref self, string name, string value) => store.Commit(unit =>
    {
        var pif = unit.Get("PIF", self);
        if (name != OffloadProperty || value is not ("on" or "off"))
            throw new XenException("INVALID_VALUE", "properties", name + " = " + value);
        var bond = unit.Pointing("Bond", "master", self.Text).FirstOrDefault();
        if ((bond is null && !pif.Flag("physical")) || PifTopology.BondOf(unit, pif) is not null)
            throw new XenException("CANNOT_CHANGE_PIF_PROPERTIES", self.Text);
        var properties = pif.Map("properties").With(name, value);
        unit.Set(self.Text, "properties", properties);
        if (bond is null)
            return;
        foreach (var member in PifTopology.Members(unit, bond).ToList())
            unit.Set(member.Reference, "properties", properties);
    });

    [XenMessage("PIF.set_primary_address_type")]
    public void SetPrimaryAddressType(CallContext context, Ref self, string primaryAddressType) => store.Commit(unit =>
    {
        var pif = unit.Get("PIF", self);
        PoolFacts.RequireUnprotected(unit, pif);
        PifRules.RequireNotManagement(pif);
        unit.Set(self.Text, "primary_address_type", primaryAddressType);
    });

    /// <summary>While a cluster takes in a member, interfaces stay as they are.</summary>
    private static void RequireQuietCluster(UnitOfWork records)
    {
        foreach (var cluster in records.All(records.Model.Class("Cluster")).Take(1))
        {
            var current = cluster.Map("current_operations");
            for (var i = 0; i < current.Count; i++)
            {
                if (current.Values[i].ToString() is "enable" or "add")
                    throw new XenException("OTHER_OPERATION_IN_PROGRESS", "Cluster", cluster.Reference, current.Values[i].ToString()!, current.Names[i]);
            }
        }
    }
}
