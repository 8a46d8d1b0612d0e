using XapiCompat.Core.Operations;
using XapiCompat.Store;
using XapiCompat.Values;

namespace XapiCompat.Core.Services;

/// <summary>Disks as clients name them outside of calls.</summary>
public static class DiskLookup
{
    /// <summary>A managed disk by reference or uuid; HANDLE_INVALID, UUID_INVALID or VDI_NOT_MANAGED.</summary>
    public static Record FindDisk(this RecordStore store, string text)
    {
        var record = text.StartsWith(Ref.Prefix, StringComparison.Ordinal)
            ? store.Current.Get("VDI", text)
            : store.Current.FindByUuid(store.Model.Class("VDI"), text.ToLowerInvariant()) ?? throw Errors.UuidInvalid("VDI", text);
        return record.Flag("managed") ? record : throw new XenException("VDI_NOT_MANAGED", record.Reference);
    }

    /// <summary>VDI_INCOMPATIBLE_TYPE for what is left of a disk when its data is destroyed.</summary>
    public static Record RequireData(this Record vdi) =>
        vdi.Text("type") is "cbt_metadata" and var type ? throw new XenException("VDI_INCOMPATIBLE_TYPE", vdi.Reference, VdiTypeText.Of(type)) : vdi;
}
