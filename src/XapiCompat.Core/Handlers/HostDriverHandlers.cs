using XapiCompat.Core.Dispatch;
using XapiCompat.Core.Services;
using XapiCompat.Store;
using XapiCompat.Values;

namespace XapiCompat.Core.Handlers;

/// <summary>Which variant of a driver a host loads at its next boot.</summary>
public sealed class HostDriverHandlers(RecordStore store)
{
    [XenMessage("Host_driver.select")]
    public void Select(CallContext context, Ref self, Ref variant) => store.Commit(unit =>
    {
        var driver = unit.Get("Host_driver", self);
        var wanted = unit.Get("Driver_variant", variant);
        if (!driver.Set("variants").Contains(variant.Text))
            throw new XenException("INVALID_VALUE", "variant", variant.Text);
        Select(unit, driver, wanted);
    });

    [XenMessage("Driver_variant.select")]
    public void SelectVariant(CallContext context, Ref self) => store.Commit(unit =>
    {
        var variant = unit.Get("Driver_variant", self);
        Select(unit, unit.Get("Host_driver", variant.Target("driver")), variant);
    });

    [XenMessage("Host_driver.deselect")]
    public void Deselect(CallContext context, Ref self) => store.Commit(unit =>
    {
        unit.Get("Host_driver", self);
        unit.Set(self.Text, "active_variant", Ref.Null.Text);
        unit.Set(self.Text, "selected_variant", Ref.Null.Text);
    });

    private static void Select(UnitOfWork unit, Record driver, Record variant)
    {
        if (!variant.Flag("hardware_present"))
            throw new XenException("HOST_DRIVER_NO_HARDWARE", variant.Reference);
        unit.Set(driver.Reference, "selected_variant", variant.Reference);
    }
}
