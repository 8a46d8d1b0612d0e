using XapiCompat.Storage;
using XapiCompat.Store;

namespace XapiCompat.Core.Collecting;

/// <summary>What an SR and its disks say about collecting, under the keys of other_config that a real host reads.</summary>
internal static class CollectorSettings
{
    private const string LeafKey = "leaf-coalesce";
    private const string Off = "false";
    private const string Force = "force";

    /// <summary>False: nothing is done in the SR.</summary>
    public static bool IsOn(Record sr) => Text(sr, "gc") != Off;

    /// <param name="current">The records by now: settings may change while the collector works.</param>
    public static CollectorPolicy Policy(Func<IRecords> current, Record sr) => new()
    {
        Merge = Text(sr, "coalesce") != Off,
        MergeLeaves = Text(sr, LeafKey) != Off,
        MayMergeLeaf = key => FindDisk(current(), sr, key) is not { } vdi || MayMergeLeaf(vdi),
        IsForced = key => Text(sr, LeafKey) == Force || (FindDisk(current(), sr, key) is { } vdi && Text(vdi, LeafKey) == Force),
    };

    /// <summary>A disk that is reset at boot needs its parent as it is, and so does one that hosts cache.</summary>
    private static bool MayMergeLeaf(Record vdi) => vdi.Text("on_boot") != "reset" && !vdi.Flag("allow_caching") && Text(vdi, LeafKey) != Off;

    private static Record? FindDisk(IRecords records, Record sr, string key)
    {
        if (records.FindByUuid(records.Model.Class("VDI"), key) is { } vdi && vdi.Target("SR") == sr.Reference && vdi.Text("location") == key)
            return vdi;
        return records.Find(sr.Reference)?.Set("VDIs").Select(records.Find).OfType<Record>().FirstOrDefault(v => v.Text("location") == key);
    }

    private static string Text(Record record, string key) => record.Map("other_config")[key]?.ToString() ?? "";
}
