using XapiCompat.Core.Dispatch;
using XapiCompat.Core.Networking;
using XapiCompat.Core.Services;
using XapiCompat.Store;
using XapiCompat.Values;

namespace XapiCompat.Core.Handlers;

public sealed class BondHandlers(RecordStore store, IdSource ids)
{
    [XenMessage("Bond.create")]
    public Ref Create(CallContext context, Ref network, XenArray members, string mac, string mode, XenStruct properties) => store.Commit(unit =>
    {
        var net = unit.Get("network", network);
        var pifs = members.Items.Select(m => unit.Get("PIF", m.ToString()!)).ToList();
        return BondRecords.Create(unit, ids, net, pifs, mac, mode, (XenStruct)Storable.Clean(properties)).Ref;
    });

    [XenMessage("Bond.destroy")]
    public void Destroy(CallContext context, Ref self) => store.Commit(unit => BondRecords.Destroy(unit, ids, unit.Get("Bond", self)));

    /// <summary>Properties that the new mode does not know go, its defaults come.</summary>
    [XenMessage("Bond.set_mode")]
    public void SetMode(CallContext context, Ref self, string value) => store.Commit(unit =>
    {
        var bond = unit.Get("Bond", self);
        unit.Set(self.Text, "mode", value);
        unit.Set(self.Text, "properties", BondProperties.Complete(value, bond.Map("properties")));
        PifState.BringUp(unit, unit.Get("PIF", bond.Target("master")).Reference);
    });

    [XenMessage("Bond.set_property")]
    public void SetProperty(CallContext context, Ref self, string name, string value) => store.Commit(unit =>
    {
        var bond = unit.Get("Bond", self);
        BondProperties.Require(bond.Text("mode"), name, value);
        unit.Set(self.Text, "properties", bond.Map("properties").With(name, value));
        PifState.BringUp(unit, unit.Get("PIF", bond.Target("master")).Reference);
    });
}
