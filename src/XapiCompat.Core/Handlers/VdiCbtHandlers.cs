using XapiCompat.Core.Dispatch;
using XapiCompat.Core.Services;
using XapiCompat.Values;

namespace XapiCompat.Core.Handlers;

/// <summary>Changed-block tracking.</summary>
public sealed class VdiCbtHandlers(CbtService tracking, DataDestruction destruction)
{
    [XenMessage("VDI.enable_cbt")]
    public ValueTask EnableCbt(CallContext context, Ref self) => tracking.EnableAsync(context, self);

    [XenMessage("VDI.disable_cbt")]
    public ValueTask DisableCbt(CallContext context, Ref self) => tracking.DisableAsync(context, self);

    [XenMessage("VDI.data_destroy")]
    public ValueTask DataDestroy(CallContext context, Ref self) => destruction.RunAsync(context, self);

    [XenMessage("VDI.list_changed_blocks")]
    public ValueTask<string> ListChangedBlocks(CallContext context, Ref vdiFrom, Ref vdiTo) => tracking.ListChangedBlocksAsync(context, vdiFrom, vdiTo);
}
