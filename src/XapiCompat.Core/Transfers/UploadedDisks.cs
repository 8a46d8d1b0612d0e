using XapiCompat.Core.Dispatch;
using XapiCompat.Core.Services;
using XapiCompat.Store;
using XapiCompat.Values;

namespace XapiCompat.Core.Transfers;

/// <summary>Disks that come into being with an upload.</summary>
internal static class UploadedDisks
{
    /// <param name="sr">Reference of the SR, or null when <paramref name="srUuid"/> names it.</param>
    /// <param name="size">Bytes.</param>
    public static async ValueTask<string> CreateAsync(RecordStore store, VdiService vdis, CallContext context, string? sr, string? srUuid, long size)
    {
        var place = sr is not null
            ? store.Current.Get("SR", sr)
            : store.Current.FindByUuid(store.Model.Class("SR"), srUuid!.ToLowerInvariant()) ?? throw Errors.UuidInvalid("SR", srUuid!);
        var given = XenStruct.Of(
            ("name_label", XenString.Of("Imported VDI")),
            ("SR", XenString.Of(place.Reference)),
            ("virtual_size", XenInt.Of(size)),
            ("type", XenString.Of("user")));
        return (await vdis.CreateAsync(context, CreateRecord.Complete(store.Model.Class("VDI"), given, strict: false))).Text;
    }
}
