using XapiCompat.Core.Operations;
using XapiCompat.Storage;
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

    /// <summary>
    /// Opens a disk for somebody from outside. While it moves to another SR that is refused: what is written to it then would stay
    /// behind. The move marks the disk and then looks who has it open, this opens it and then looks for the mark.
    /// </summary>
    public static async ValueTask<GatedBlockDevice> OpenDiskAsync(this RecordStore store, AttachedSr sr, Record vdi, DatapathMode mode, CancellationToken cancellationToken)
    {
        var device = await sr.OpenAsync(vdi.Text("location"), mode, cancellationToken);
        try
        {
            var operations = store.Current.Get("VDI", vdi.Ref).Map("current_operations");
            for (var i = 0; i < operations.Count; i++)
            {
                if (operations.Values[i].ToString() == "mirror")
                    throw new XenException("OTHER_OPERATION_IN_PROGRESS", "VDI", vdi.Reference, "mirror", operations.Names[i]);
            }

            return device;
        }
        catch
        {
            await device.DisposeAsync();
            throw;
        }
    }

    /// <summary>VDI_INCOMPATIBLE_TYPE for what is left of a disk when its data is destroyed.</summary>
    public static Record RequireData(this Record vdi) =>
        vdi.Text("type") is "cbt_metadata" and var type ? throw new XenException("VDI_INCOMPATIBLE_TYPE", vdi.Reference, VdiTypeText.Of(type)) : vdi;
}
