using XapiCompat.Core.Dispatch;
using XapiCompat.Core.Operations;
using XapiCompat.Core.Services;
using XapiCompat.Store;
using XapiCompat.Values;

namespace XapiCompat.Core.Handlers;

/// <summary>TPMs of VMs: their state is the text of a secret.</summary>
public sealed class VtpmHandlers(RecordStore store, OperationGuard guard, IdSource ids)
{
    [XenMessage("VTPM.create")]
    public async ValueTask<Ref> Create(CallContext context, Ref vm, bool isUnique)
    {
        store.Current.Get("VM", vm);
        if (store.Current.All(store.Model.Class("pool")).Any(p => p.Map("restrictions")["restrict_vtpm"]?.ToString() == "true"))
            throw new XenException("FEATURE_RESTRICTED", "restrict_vtpm");
        await using var scope = await guard.BeginAsync(context, [new("VM", vm.Text, "create_vtpm")]);
        return store.Commit(unit =>
        {
            scope.End(unit);
            return new Ref(DeviceRecords.NewVtpm(unit, ids, vm.Text, isUnique, ""));
        });
    }

    [XenMessage("VTPM.destroy")]
    public void Destroy(CallContext context, Ref self) => store.Commit(unit =>
    {
        var vtpm = unit.Get("VTPM", self);
        if (unit.Find(vtpm.Target("VM")) is { } vm && vm.Text("power_state") is not ("Halted" or "Suspended") and var state)
            throw new XenException("VM_BAD_POWER_STATE", vm.Reference, "halted;suspended", state.ToLowerInvariant());
        DeviceRecords.DeleteVtpm(unit, vtpm);
    });

    [XenMessage("VTPM.get_contents")]
    public string GetContents(CallContext context, Ref self) =>
        store.Current.Find(store.Current.Get("VTPM", self).Target("contents")) is { Class.Name: "secret" } secret ? secret.Text("value") : "";

    [XenMessage("VTPM.set_contents")]
    public void SetContents(CallContext context, Ref self, string contents)
    {
        store.Current.Get("VTPM", self);
        if (!System.Buffers.Text.Base64.IsValid(contents))
            throw Errors.Internal("the contents of a VTPM are base64");
        store.Commit(unit =>
        {
            var vtpm = unit.Get("VTPM", self);
            unit.Delete(vtpm.Target("contents"));
            unit.Set(self.Text, "contents", DeviceRecords.NewSecret(unit, ids, contents));
        });
    }
}
