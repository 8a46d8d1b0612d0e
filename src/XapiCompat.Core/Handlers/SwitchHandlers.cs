using System.Globalization;
using XapiCompat.Core.Dispatch;
using XapiCompat.Core.Networking;
using XapiCompat.Core.Services;
using XapiCompat.Store;
using XapiCompat.Values;

namespace XapiCompat.Core.Handlers;

/// <summary>The virtual switch of the pool: its controller, and multicast snooping.</summary>
public sealed class SwitchHandlers(RecordStore store, IdSource ids)
{
    private const int DefaultPort = 6632;

    [XenMessage("SDN_controller.introduce")]
    public Ref Introduce(CallContext context, string protocol, string address, long port) => store.Commit(unit =>
    {
        RequireVswitchHere(unit, context);
        return new Ref(Insert(unit, protocol, address, port));
    });

    [XenMessage("SDN_controller.forget")]
    public void Forget(CallContext context, Ref self) => store.Commit(unit => unit.Delete(unit.Get("SDN_controller", self).Reference));

    /// <summary>The older call for the same thing; an empty address means none.</summary>
    [XenMessage("pool.set_vswitch_controller")]
    public void SetVswitchController(CallContext context, string address) => store.Commit(unit =>
    {
        RequireVswitchHere(unit, context);
        var pool = PoolFacts.Pool(unit);
        if (pool.Text("vswitch_controller") == address)
            return;
        if (address.Length > 0)
            Addresses.RequireIp(AddressFamilyRule.IPv4, "address", address);
        unit.Set(pool.Reference, "vswitch_controller", address);
        if (unit.All(unit.Model.Class("SDN_controller")).FirstOrDefault() is { } old)
            unit.Delete(old.Reference);
        if (address.Length > 0)
            Insert(unit, "ssl", address, DefaultPort);
    });

    [XenMessage("pool.set_igmp_snooping_enabled")]
    public void SetIgmpSnoopingEnabled(CallContext context, Ref self, bool value) => store.Commit(unit =>
    {
        unit.Get("pool", self);
        if (value)
            PoolFacts.RequireFeature(unit, PoolFacts.IgmpSnooping);
        PoolFacts.RequireVswitch(unit);
        unit.Set(self.Text, "igmp_snooping_enabled", value);
        foreach (var pif in unit.All(unit.Model.Class("PIF")).Where(p => p.Int("VLAN") == -1 && p.Flag("managed") && PifTopology.BondOf(unit, p) is null).ToList())
            PifState.BringUp(unit, pif.Reference);
    });

    private static void RequireVswitchHere(UnitOfWork records, CallContext context)
    {
        if (!PoolFacts.UsesVswitch(records.Find(PoolFacts.LocalHost(records, context))!))
            throw new XenException("OPERATION_NOT_ALLOWED", "the networks of this host are not on a vSwitch");
    }

    private string Insert(UnitOfWork unit, string protocol, string address, long port)
    {
        if (unit.All(unit.Model.Class("SDN_controller")).Any())
            throw new XenException("OPERATION_NOT_ALLOWED", "the pool has a controller, and takes one only");
        if (protocol == "pssl")
        {
            if (address.Length > 0)
                throw new XenException("INVALID_VALUE", "address", address);
            if (port != 0)
                throw new XenException("INVALID_VALUE", "port", port.ToString(CultureInfo.InvariantCulture));
        }
        else
        {
            if (address.Length == 0)
                throw new XenException("INVALID_VALUE", "address", address);
            Addresses.RequireIp(AddressFamilyRule.IPv4, "address", address);
        }

        if (port != 0)
            Addresses.RequirePort("port", port);
        var reference = ids.NewReference();
        unit.Insert(
            unit.Model.Class("SDN_controller"),
            reference,
            ("uuid", ids.NewUuidText()),
            ("protocol", protocol),
            ("address", address),
            ("port", protocol == "ssl" && port == 0 ? DefaultPort : port));
        return reference;
    }
}
