using XapiCompat.Core.Dispatch;
using XapiCompat.Core.Networking;
using XapiCompat.Core.Operations;
using XapiCompat.Core.Services;
using XapiCompat.Store;
using XapiCompat.Values;

namespace XapiCompat.Core.Handlers;

/// <summary>Interfaces of running VMs: connected, taken away, moved to another network.</summary>
public sealed class VifPlugHandlers(RecordStore store, OperationGuard guard)
{
    [XenMessage("VIF.plug")]
    public async ValueTask Plug(CallContext context, Ref self)
    {
        await using var scope = await guard.BeginAsync(context, [new("VIF", self.Text, "plug")]);
        store.Commit(unit =>
        {
            var vif = unit.Get("VIF", self);
            NetworkAttach.ForVif(unit, vif, unit.Get("VM", vif.Target("VM")).Target("resident_on"));
            unit.Set(self.Text, "currently_attached", true);
            scope.End(unit);
        });
    }

    [XenMessage("VIF.unplug")]
    [XenMessage("VIF.unplug_force")]
    public async ValueTask Unplug(CallContext context, Ref self)
    {
        await using var scope = await guard.BeginAsync(context, [new("VIF", self.Text, "unplug")]);
        store.Commit(unit =>
        {
            NetworkAttach.DetachVif(unit, unit.Get("VIF", self));
            unit.Set(self.Text, "currently_attached", false);
            scope.End(unit);
        });
    }

    /// <summary>The guest sees nothing of it; it stays plugged.</summary>
    [XenMessage("VIF.move")]
    public void Move(CallContext context, Ref self, Ref network) => store.Commit(unit =>
    {
        var vif = unit.Get("VIF", self);
        var vm = unit.Get("VM", vif.Target("VM"));
        var target = unit.Get("network", network);
        var active = vif.Flag("currently_attached") && vm.Text("power_state") != "Suspended";
        var host = vm.Target("resident_on");
        if (active && !NetworkAttach.IsVisible(unit, target, host))
            throw new XenException("HOST_CANNOT_ATTACH_NETWORK", host, target.Reference);
        if (((XenArray)vif["trunks"]).Items.Count > 0)
            PifTopology.RequireNoVlanPifs(unit, target.Reference);
        if (active && PifTopology.IsSriovNetwork(unit, target.Reference))
            throw Errors.Internal("a plugged VIF stays on its SR-IOV network: " + self.Text);
        unit.Set(self.Text, "network", target.Reference);
        if (active)
            NetworkAttach.ForVif(unit, unit.Get("VIF", self), host);
    });
}
