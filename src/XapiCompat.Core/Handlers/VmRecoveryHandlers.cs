using XapiCompat.Core.Dispatch;
using XapiCompat.Core.Operations;
using XapiCompat.Core.Services;
using XapiCompat.Store;
using XapiCompat.Values;

namespace XapiCompat.Core.Handlers;

/// <summary>What a VM needs to live on in the pool of another session. All sessions of this server see the same pool.</summary>
public sealed class VmRecoveryHandlers(RecordStore store, SessionService sessions)
{
    /// <summary>The SRs of the VM's disks that the other session's pool has not plugged.</summary>
    [XenMessage("VM.get_SRs_required_for_recovery")]
    public XenArray GetRequiredSrs(CallContext context, Ref self, Ref sessionTo)
    {
        var vm = store.Current.Get("VM", self);
        RequireSession(sessionTo);
        return XenArray.Of(Missing(vm).Select(s => s.Reference));
    }

    [XenMessage("VM.assert_can_be_recovered")]
    public void AssertCanBeRecovered(CallContext context, Ref self, Ref sessionTo)
    {
        var vm = store.Current.Get("VM", self);
        if (store.Current.Find(vm.Target("appliance")) is { Class.Name: "VM_appliance" } appliance)
            throw new XenException("VM_IS_PART_OF_AN_APPLIANCE", self.Text, appliance.Reference);
        RequireSession(sessionTo);
        if (Missing(vm).FirstOrDefault() is { } missing)
            throw new XenException("VM_REQUIRES_SR", self.Text, missing.Reference);
    }

    private IEnumerable<Record> Missing(Record vm) =>
        DeviceRecords.Devices(store.Current, vm, "VBDs")
            .Where(v => v.Text("type") == "Disk" && !v.Flag("empty"))
            .Select(v => v.Target("VDI"))
            .Append(vm.Target("suspend_VDI"))
            .Select(store.Current.Find).OfType<Record>()
            .Select(v => store.Current.Find(v.Target("SR"))).OfType<Record>()
            .DistinctBy(s => s.Reference)
            .Where(s => !SrFacts.IsPlugged(store.Current, s));

    private void RequireSession(Ref session)
    {
        if (sessions.Find(session.Text) is null)
            throw Errors.SessionInvalid(session.Text);
    }
}
