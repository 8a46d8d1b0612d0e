using XapiCompat.Core.Dispatch;
using XapiCompat.Core.Networking;
using XapiCompat.Core.Services;
using XapiCompat.Store;
using XapiCompat.Values;

namespace XapiCompat.Core.Handlers;

/// <summary>Networks made ready on a host, for their own sake or for a VM.</summary>
public sealed class NetworkAttachHandlers(RecordStore store)
{
    [XenMessage("network.attach")]
    public void Attach(CallContext context, Ref network, Ref host) => store.Commit(unit =>
    {
        var record = unit.Get("network", network);
        unit.Get("host", host);
        // Only the interface that uses it tells whether a bridge exists that is not made by this server.
        if (!record.Flag("managed") && unit.LocalPif(network.Text, host.Text) is null)
            throw new XenException("BRIDGE_NOT_AVAILABLE", record.Text("bridge"));
        NetworkAttach.OnHost(unit, record, host.Text, again: true);
    });

    [XenMessage("network.attach_for_vm")]
    public void AttachForVm(CallContext context, Ref host, Ref vm) => store.Commit(unit =>
    {
        unit.Get("host", host);
        NetworkAttach.ForVm(unit, unit.Get("VM", vm), host.Text);
    });

    [XenMessage("network.detach_for_vm")]
    public void DetachForVm(CallContext context, Ref host, Ref vm) => store.Commit(unit =>
    {
        unit.Get("host", host);
        NetworkAttach.DetachVm(unit, unit.Get("VM", vm));
    });
}
