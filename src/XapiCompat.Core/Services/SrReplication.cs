using XapiCompat.Core.Dispatch;
using XapiCompat.Core.Operations;
using XapiCompat.Store;
using XapiCompat.Values;

namespace XapiCompat.Core.Services;

/// <summary>Disks that hold a copy of the pool's records for another pool to recover from. The copy itself is not written.</summary>
public sealed class SrReplication(RecordStore store, VdiService vdis)
{
    /// <summary>4 GB rounded down to whole pieces of 4 MiB.</summary>
    private const long DiskSize = 953L * 4 * 1024 * 1024;

    /// <summary>Every host must have the SR plugged, and its driver must know about pool metadata.</summary>
    public static void RequireSupport(IRecords records, Record sr)
    {
        RequireEverywhere(records, sr);
        if (!SrFacts.HasFeature(records, sr, "SR_METADATA"))
            throw new XenException("SR_OPERATION_NOT_SUPPORTED", sr.Reference);
    }

    public static void RequireEverywhere(IRecords records, Record sr)
    {
        var pbds = sr.Set("PBDs").Select(records.Find).OfType<Record>().ToList();
        var hosts = records.All(records.Model.Class("host")).Select(h => h.Reference);
        if (hosts.Except(pbds.Select(p => p.Target("host"))).Any() || pbds.Any(p => !p.Flag("currently_attached")))
            throw new XenException("SR_HAS_NO_PBDS", sr.Reference);
    }

    public async ValueTask EnableAsync(CallContext context, Ref sr)
    {
        RequireSupport(store.Current, store.Current.Get("SR", sr));
        if (Disks(sr).Any(d => d.Int("virtual_size") >= DiskSize))
            return;
        var vdi = await vdis.CreateAsync(context, XenStruct.Of(
            ("name_label", "Pool metadata"), ("name_description", "A copy of the pool's records"), ("SR", sr.Text), ("virtual_size", DiskSize), ("type", "metadata"),
            ("sharable", false), ("read_only", false), ("other_config", XenStruct.Empty), ("xenstore_data", XenStruct.Empty), ("sm_config", XenStruct.Empty),
            ("tags", XenArray.Empty)));
        store.Commit(unit => unit.Set(vdi.Text, "metadata_of_pool", Pool));
    }

    public async ValueTask DisableAsync(CallContext context, Ref sr)
    {
        store.Current.Get("SR", sr);
        foreach (var disk in Disks(sr))
        {
            store.Commit(unit =>
            {
                foreach (var vbd in unit.Get("VDI", disk.Reference).Set("VBDs").Select(unit.Find).OfType<Record>().ToList())
                    DeviceRecords.DeleteVbd(unit, vbd);
            });
            await vdis.DestroyAsync(context, disk.Ref);
        }
    }

    private string Pool => store.Current.All(store.Model.Class("pool")).First().Reference;

    private List<Record> Disks(Ref sr) =>
        [.. store.Current.Get("SR", sr).Set("VDIs").Select(store.Current.Find).OfType<Record>().Where(v => v.Text("type") == "metadata" && v.Target("metadata_of_pool") == Pool)];
}
