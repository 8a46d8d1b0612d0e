using XapiCompat.Core.Dispatch;
using XapiCompat.Store;
using XapiCompat.Values;

namespace XapiCompat.Core.Services;

/// <summary>SRs as records.</summary>
public static class SrRecords
{
    /// <summary>A new SR; its sizes are unknown until it is scanned.</summary>
    public static void Insert(UnitOfWork unit, string reference, string uuid, SrSpec spec) => unit.Insert(
        unit.Model.Class("SR"),
        reference,
        [
            ("uuid", uuid),
            ("name_label", Storable.Clean(spec.Name)),
            ("name_description", Storable.Clean(spec.Description)),
            ("type", Storable.Clean(spec.Type)),
            ("content_type", Storable.Clean(spec.ContentType)),
            ("shared", spec.Shared),
            ("sm_config", Storable.Clean(spec.SmConfig)),
            ("physical_size", -1),
            ("physical_utilisation", -1),
            ("virtual_allocation", 0),
        ]);

    /// <summary>Removes an SR, its PBDs and its VDIs. VBDs of these keep pointing to what is gone, as with the real server.</summary>
    public static void Forget(UnitOfWork unit, Record sr)
    {
        foreach (var pbd in sr.Set("PBDs").ToList())
            PbdRecords.Delete(unit, pbd);
        foreach (var vdi in sr.Set("VDIs").Select(unit.Find).OfType<Record>().ToList())
        {
            EmptyDrives(unit, vdi);
            VolumeRecords.DeleteRecord(unit, vdi);
        }

        foreach (var blob in sr.Map("blobs").Values)
            unit.Delete(blob.ToString()!);
        unit.Delete(sr.Reference);
    }

    /// <summary>A drive stays without its disc; any other device goes with its disk.</summary>
    private static void EmptyDrives(UnitOfWork unit, Record vdi)
    {
        foreach (var drive in vdi.Set("VBDs").Select(unit.Find).OfType<Record>().Where(v => v.Text("type") == "CD"))
        {
            unit.Set(drive.Reference, "VDI", Ref.Null.Text);
            unit.Set(drive.Reference, "empty", true);
        }
    }
}
