using XapiCompat.Core.Dispatch;
using XapiCompat.Core.Operations;
using XapiCompat.Core.Services;
using XapiCompat.Store;
using XapiCompat.Values;

namespace XapiCompat.Core.Handlers;

/// <summary>Disks that come and go while their VM runs.</summary>
public sealed class VbdPlugHandlers(RecordStore store, OperationGuard guard)
{
    [XenMessage("VBD.plug")]
    public ValueTask Plug(CallContext context, Ref self) => RunAsync(context, self, "plug", unit => VbdRecords.Attach(unit, self.Text));

    [XenMessage("VBD.unplug")]
    public ValueTask Unplug(CallContext context, Ref self) => RunAsync(context, self, "unplug", unit => VbdRecords.Detach(unit, self.Text));

    [XenMessage("VBD.unplug_force")]
    public ValueTask UnplugForce(CallContext context, Ref self) =>
        RunAsync(context, self, "unplug_force", unit => VbdRecords.Detach(unit, self.Text));

    /// <summary>An old name: the checks are those of the other.</summary>
    [XenMessage("VBD.unplug_force_no_safety_check")]
    public ValueTask UnplugForceNoSafetyCheck(CallContext context, Ref self) => UnplugForce(context, self);

    [XenMessage("VBD.assert_attachable")]
    public void AssertAttachable(CallContext context, Ref self)
    {
        if (VbdOperations.Check(store.Current, store.Current.Get("VBD", self), "attach") is { } failure)
            throw failure.AsException();
    }

    [XenMessage("VBD.pause")]
    public ValueTask<string> Pause(CallContext context, Ref self) => RefuseAsync(context, self, "pause");

    [XenMessage("VBD.unpause")]
    public async ValueTask Unpause(CallContext context, Ref self, string token) => await RefuseAsync(context, self, "unpause");

    private async ValueTask RunAsync(CallContext context, Ref self, string operation, Action<UnitOfWork> change)
    {
        await using var scope = await guard.BeginAsync(context, [new("VBD", self.Text, operation)]);
        store.Commit(unit =>
        {
            if (unit.Find(self.Text) is not null)
                change(unit);
            scope.End(unit);
        });
    }

    /// <summary>Where the state allows it, no SR type has it: the data path is the storage plugin's business.</summary>
    private async ValueTask<string> RefuseAsync(CallContext context, Ref self, string operation)
    {
        await using var scope = await guard.BeginAsync(context, [new("VBD", self.Text, operation)]);
        var vdi = store.Current.Get("VDI", store.Current.Get("VBD", self).Target("VDI"));
        throw new XenException("SR_OPERATION_NOT_SUPPORTED", vdi.Target("SR"));
    }
}
