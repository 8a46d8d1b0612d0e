using XapiCompat.Core.Dispatch;
using XapiCompat.Core.Services;
using XapiCompat.Store;
using XapiCompat.Values;

namespace XapiCompat.Core.Handlers;

public sealed class CrashdumpHandlers(RecordStore store, VdiService vdis)
{
    /// <summary>The dump and the disk that holds it.</summary>
    [XenMessage("crashdump.destroy")]
    public async ValueTask Destroy(CallContext context, Ref self)
    {
        var dump = store.Current.Get("crashdump", self);
        if (store.Current.Find(dump.Target("VDI")) is { Class.Name: "VDI" } vdi)
            await vdis.DestroyAsync(context, vdi.Ref);
        store.Commit(unit => unit.Delete(self.Text));
    }
}
