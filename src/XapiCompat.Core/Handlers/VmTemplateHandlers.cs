using XapiCompat.Core.Dispatch;
using XapiCompat.Core.Operations;
using XapiCompat.Core.Services;
using XapiCompat.Store;
using XapiCompat.Values;

namespace XapiCompat.Core.Handlers;

/// <summary>VMs that become templates, and templates and snapshots that become VMs.</summary>
public sealed class VmTemplateHandlers(RecordStore store, OperationGuard guard, TimeProvider clock)
{
    /// <summary>Any template or snapshot may cease to be one; only a halted VM of its own may become one.</summary>
    [XenMessage("VM.set_is_a_template")]
    public async ValueTask SetIsATemplate(CallContext context, Ref self, bool value)
    {
        var vm = store.Current.Get("VM", self);
        if (!value || vm.Flag("is_a_template"))
        {
            store.Commit(unit =>
            {
                if (!value && unit.Find(unit.Get("VM", self).Target("metrics")) is { } metrics)
                    unit.Set(metrics.Reference, "install_time", XenDate.Format(clock.GetUtcNow()));
                unit.Set(self.Text, "is_a_template", value);
            });
            return;
        }

        await using var scope = await guard.BeginAsync(context, [new("VM", self.Text, "make_into_template")]);
        store.Commit(unit =>
        {
            scope.End(unit);
            MakeTemplate(unit, unit.Get("VM", self));
        });
    }

    [XenMessage("VM.set_is_default_template")]
    public async ValueTask SetIsDefaultTemplate(CallContext context, Ref vm, bool value)
    {
        if (!value || store.Current.Get("VM", vm).Flag("is_a_template"))
        {
            store.Commit(unit =>
            {
                unit.Get("VM", vm);
                unit.Set(vm.Text, "is_default_template", value);
            });
            return;
        }

        await using var scope = await guard.BeginAsync(context, [new("VM", vm.Text, "make_into_template")]);
        store.Commit(unit =>
        {
            scope.End(unit);
            MakeTemplate(unit, unit.Get("VM", vm));
            unit.Set(vm.Text, "is_default_template", true);
        });
    }

    private static void MakeTemplate(UnitOfWork unit, Record vm)
    {
        foreach (var usb in vm.Set("VUSBs").ToList())
            unit.Delete(usb);
        unit.Set(vm.Reference, "ha_always_run", false);
        unit.Set(vm.Reference, "groups", XenArray.Empty);
        unit.Set(vm.Reference, "is_a_template", true);
    }
}
