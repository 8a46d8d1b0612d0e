using XapiCompat.Storage;
using XapiCompat.Store;
using XapiCompat.Values;

namespace XapiCompat.Core.Services;

/// <summary>
/// What a VDI record keeps beside its data: an SR that is forgotten and introduced again, here or elsewhere, gives back
/// snapshots as snapshots and suspend images as suspend images.
/// </summary>
public static class VolumeKeys
{
    private const string Type = "vdi-type";
    private const string IsSnapshot = "is_a_snapshot";
    private const string SnapshotOf = "snapshot_of";
    private const string SnapshotTime = "snapshot_time";

    private static readonly Dictionary<string, string> None = [];

    /// <summary>For a disk of its own: only a type that is not the usual one is worth a line.</summary>
    public static IReadOnlyDictionary<string, string> OfDisk(string type) =>
        type == "user" ? None : new Dictionary<string, string>(StringComparer.Ordinal) { [Type] = type };

    public static IReadOnlyDictionary<string, string> OfSnapshot(Record source, DateTimeOffset time) =>
        new Dictionary<string, string>(OfDisk(source.Text("type")), StringComparer.Ordinal)
        {
            [IsSnapshot] = "true",
            [SnapshotOf] = source.Uuid,
            [SnapshotTime] = XenDate.Format(time).Text,
        };

    /// <summary>The pairs that a record should have by now; null removes one.</summary>
    public static IReadOnlyDictionary<string, string?> Of(IRecords records, Record vdi)
    {
        var snapshot = vdi.Flag("is_a_snapshot");
        return new Dictionary<string, string?>(StringComparer.Ordinal)
        {
            [Type] = vdi.Text("type") == "user" ? null : vdi.Text("type"),
            [IsSnapshot] = snapshot ? "true" : null,
            [SnapshotOf] = snapshot ? records.Find(vdi.Target("snapshot_of"))?.Uuid : null,
            [SnapshotTime] = snapshot ? vdi.Text("snapshot_time") : null,
        };
    }

    /// <summary>Fields of a record that is made for a volume found in an SR.</summary>
    public static void Restore(UnitOfWork unit, Record vdi, VolumeInfo volume)
    {
        var type = unit.Model.Class("VDI").Find("type")!.Type;
        if (volume.Keys.TryGetValue(Type, out var kind) && type is Datamodel.EnumType { Members: var members } && members.Contains(kind))
            unit.Set(vdi.Reference, "type", kind);
        if (volume.Keys.GetValueOrDefault(IsSnapshot) != "true")
            return;
        unit.Set(vdi.Reference, "is_a_snapshot", true);
        if (volume.Keys.TryGetValue(SnapshotTime, out var text) && XenDate.TryParse(text, out var time))
            unit.Set(vdi.Reference, "snapshot_time", time);
    }

    /// <summary>Leads snapshots whose disk has got another reference back to it. All records of the volumes exist by now.</summary>
    public static void Relink(UnitOfWork unit, Record vdi, VolumeInfo volume)
    {
        if (!vdi.Flag("is_a_snapshot") || !volume.Keys.TryGetValue(SnapshotOf, out var uuid) || unit.Find(vdi.Target("snapshot_of")) is not null)
            return;
        if (unit.FindByUuid(unit.Model.Class("VDI"), uuid) is { } source && source.Target("SR") == vdi.Target("SR"))
            unit.Set(vdi.Reference, "snapshot_of", source.Reference);
    }
}
