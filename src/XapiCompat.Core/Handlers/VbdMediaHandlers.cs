using XapiCompat.Core.Dispatch;
using XapiCompat.Core.Operations;
using XapiCompat.Core.Services;
using XapiCompat.Store;
using XapiCompat.Values;

namespace XapiCompat.Core.Handlers;

/// <summary>CDs in and out of a drive, whether the VM runs or not.</summary>
public sealed class VbdMediaHandlers(RecordStore store, OperationGuard guard)
{
    [XenMessage("VBD.insert")]
    public async ValueTask Insert(CallContext context, Ref vbd, Ref vdi)
    {
        store.Current.Get("VBD", vbd);
        store.Current.Get("VDI", vdi);
        await using var scope = await guard.BeginAsync(
            context,
            [new("VBD", vbd.Text, "insert")],
            require: records => VbdOperations.CheckInsert(records, records.Get("VBD", vbd), records.Get("VDI", vdi)));
        Change(scope, vbd, unit => VbdRecords.Insert(unit, vbd.Text, unit.Get("VDI", vdi).Reference));
    }

    [XenMessage("VBD.eject")]
    public async ValueTask Eject(CallContext context, Ref vbd)
    {
        await using var scope = await guard.BeginAsync(context, [new("VBD", vbd.Text, "eject")]);
        Change(scope, vbd, unit => VbdRecords.Eject(unit, vbd.Text));
    }

    private void Change(OperationScope scope, Ref vbd, Action<UnitOfWork> change) => store.Commit(unit =>
    {
        if (unit.Find(vbd.Text) is not null)
            change(unit);
        scope.End(unit);
    });
}
