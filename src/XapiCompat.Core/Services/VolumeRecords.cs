using System.Collections.Concurrent;
using XapiCompat.Storage;
using XapiCompat.Store;
using XapiCompat.Values;

namespace XapiCompat.Core.Services;

/// <summary>Keeps VDI records equal to what a plugin reports: the only place where volume facts become fields.</summary>
public sealed class VolumeRecords(StorageHost storage, CbtAlerts alerts, IdSource ids)
{
    private const int MostLooks = 10;
    private static readonly TimeSpan OfScan = TimeSpan.FromSeconds(30);

    private readonly GoneNodes _merged = new();
    private readonly GoneNodes _destroyed = new();
    private readonly ConcurrentDictionary<string, long> _generations = new(StringComparer.Ordinal);

    /// <summary>Told the uuid of an SR in which an operation changed something. Called within commits: it must return at once.</summary>
    public Action<string>? Changed { get; set; }

    /// <summary>Grows with each change that was written of an SR (by uuid): what was seen of it before may be out of date.</summary>
    public long Generation(string sr) => _generations.GetValueOrDefault(sr);

    /// <summary>Writes everything that an operation changed; new volumes get plain records, gone ones lose theirs.</summary>
    /// <param name="lost">What it means when a disk's changed blocks are not tracked any more; null when that was asked for.</param>
    public void Apply(UnitOfWork unit, Record sr, VolumeChanges changes, string? lost = CbtAlerts.Inconsistent)
    {
        foreach (var key in changes.Removed)
            _destroyed.Note(sr.Uuid, key, null);
        Write(unit, sr, _merged.Adjust(sr.Uuid, changes), lost);
        Changed?.Invoke(sr.Uuid);
    }

    /// <summary>
    /// Writes what a collector changed. It works beside operations that have not written their records yet, and leaves those to them.
    /// </summary>
    public void Collect(UnitOfWork unit, Record sr, CollectorResult result)
    {
        foreach (var (key, heir) in result.Heirs)
            _merged.Note(sr.Uuid, key, heir);
        if (unit.Find(sr.Reference) is null)
            return;
        var changes = _destroyed.Adjust(sr.Uuid, result.Changes);
        foreach (var volume in changes.Changed.Where(v => v.Managed))
        {
            // Only what a collector changes: the rest may be older than what an operation has written since.
            if (FindFor(unit, sr, volume) is not { } record)
                continue;
            unit.Set(record.Reference, "physical_utilisation", volume.PhysicalUtilisation);
            unit.Set(record.Reference, "sm_config", MergeSmConfig(sr, record.Map("sm_config"), volume));
        }

        Write(unit, sr, changes with { Changed = [.. changes.Changed.Where(v => !v.Managed)] }, null);
    }

    private void Write(UnitOfWork unit, Record sr, VolumeChanges changes, string? lost)
    {
        _generations.AddOrUpdate(sr.Uuid, 1, (_, generation) => generation + 1);
        var written = changes.Changed.Select(volume => (Record: Upsert(unit, sr, volume, lost).Reference, Volume: volume)).ToList();
        foreach (var (record, volume) in written)
            VolumeKeys.Relink(unit, unit.Find(record)!, volume);
        foreach (var key in changes.Removed)
        {
            if (Find(unit, sr, key) is { } gone)
                DeleteRecord(unit, gone);
        }

        UpdateAllocation(unit, sr);
    }

    /// <summary>Brings the record of one volume up to date; looks again when something else of the SR was written meanwhile.</summary>
    public async ValueTask FollowAsync(RecordStore store, Record sr, AttachedSr attached, Record vdi, CancellationToken cancellationToken)
    {
        for (var attempt = 1; ; attempt++)
        {
            var generation = Generation(sr.Uuid);
            var volume = await attached.StatVolumeAsync(vdi.Text("location"), cancellationToken);
            var written = store.Commit(unit =>
            {
                if (Generation(sr.Uuid) != generation && attempt < MostLooks)
                    return false;
                if (unit.Find(vdi.Reference) is not null)
                    Apply(unit, sr, new(volume, [volume], []));
                return true;
            });
            if (written)
                return;
        }
    }

    /// <summary>Makes the VDIs of an SR equal to its volumes: new ones appear, vanished ones go.</summary>
    /// <param name="open">
    /// Intents that are open. What they name and has no record is removed sooner or later: it must not get one that would go with it.
    /// </param>
    public void Synchronise(UnitOfWork unit, Record sr, IReadOnlyList<VolumeInfo> volumes, SrStat stat, IReadOnlyList<Intent> open)
    {
        var doomed = open.Where(i => i.Sr == sr.Uuid && !CbtIntents.Covers(i)).SelectMany(i => i.Keys).ToHashSet(StringComparer.Ordinal);
        if (doomed.Count > 0)
            volumes = [.. volumes.Where(v => !doomed.Contains(v.Key) || Find(unit, sr, v.Key) is not null)];
        var present = volumes.Select(v => v.Key).ToHashSet(StringComparer.Ordinal);
        var gone = unit.Find(sr.Reference)!.Set("VDIs").Select(unit.Find).OfType<Record>().Where(v => !present.Contains(v.Text("location"))).ToList();
        Write(unit, sr, _merged.Adjust(sr.Uuid, new(null, volumes, [.. gone.Select(g => g.Text("location"))]), OfScan), CbtAlerts.Inconsistent);
        WriteSizes(unit, sr, stat);
        Changed?.Invoke(sr.Uuid);
    }

    /// <summary>Brings the sizes of an SR and of its VDIs up to date; volumes that have no record get none.</summary>
    public static void Measure(UnitOfWork unit, Record sr, IEnumerable<VolumeInfo> volumes, SrStat stat)
    {
        foreach (var volume in volumes)
        {
            if (FindFor(unit, sr, volume) is { } record)
                unit.Set(record.Reference, "physical_utilisation", volume.PhysicalUtilisation);
        }

        WriteSizes(unit, sr, stat);
    }

    /// <summary>
    /// What the VDIs on record take, not the plugin's own sum: that counts what operations have under way, which they add themselves in
    /// the end.
    /// </summary>
    private static void WriteSizes(UnitOfWork unit, Record sr, SrStat stat)
    {
        var (allocation, used) = Sizes(unit, sr);
        unit.Set(sr.Reference, "physical_size", stat.PhysicalSize);
        unit.Set(sr.Reference, "physical_utilisation", used);
        unit.Set(sr.Reference, "virtual_allocation", allocation);
    }

    /// <summary>The sums over all VDIs of an SR.</summary>
    public static (long Allocation, long Used) Sizes(UnitOfWork unit, Record sr)
    {
        var vdis = (unit.Find(sr.Reference)?.Set("VDIs").Select(unit.Find).OfType<Record>() ?? []).Concat(unit.Drafts)
            .Where(r => IsInside(r, sr)).DistinctBy(r => r.Reference).ToList();
        return (vdis.Sum(Allocation), vdis.Sum(Used));
    }

    /// <summary>Removes a VDI's record, its VBDs and what points to it as suspend image.</summary>
    public static void Delete(UnitOfWork unit, Record vdi)
    {
        DeleteRecord(unit, vdi);
        if (unit.Find(vdi.Target("SR")) is { } sr)
            UpdateAllocation(unit, sr);
    }

    /// <summary>As <see cref="Delete"/>, but for the sizes of the SR; VBDs that do not lead to the VDI any more stay.</summary>
    internal static void DeleteRecord(UnitOfWork unit, Record vdi)
    {
        foreach (var vbd in vdi.Set("VBDs").Select(unit.Find).OfType<Record>().Where(v => v.Target("VDI") == vdi.Reference).ToList())
            DeviceRecords.DeleteVbd(unit, vbd);
        if (vdi.Text("type") == "suspend")
        {
            foreach (var vm in unit.All(unit.Model.Class("VM")).Where(v => v.Target("suspend_VDI") == vdi.Reference).ToList())
                unit.Set(vm.Reference, "suspend_VDI", Ref.Null.Text);
        }

        unit.Delete(vdi.Reference);
    }

    public static Record? Find(UnitOfWork unit, Record sr, string key)
    {
        // File-based plugins name volumes by uuid, which is indexed.
        if (unit.FindByUuid(unit.Model.Class("VDI"), key) is { } byUuid && byUuid.Target("SR") == sr.Reference && byUuid.Text("location") == key)
            return byUuid;
        return unit.Drafts.Where(d => d.Class.Name == "VDI" && d.Target("SR") == sr.Reference)
            .Concat(unit.Find(sr.Reference)?.Set("VDIs").Select(unit.Find).OfType<Record>() ?? [])
            .FirstOrDefault(v => v.Text("location") == key);
    }

    private Record Upsert(UnitOfWork unit, Record sr, VolumeInfo volume, string? lost)
    {
        var record = FindFor(unit, sr, volume) ?? Insert(unit, sr, volume);
        unit.Set(record.Reference, "virtual_size", volume.VirtualSize);
        unit.Set(record.Reference, "physical_utilisation", volume.PhysicalUtilisation);
        unit.Set(record.Reference, "managed", volume.Managed);
        alerts.Note(unit, record, volume, lost);
        unit.Set(record.Reference, "cbt_enabled", volume.CbtEnabled);
        if (volume.Kind == VolumeKind.CbtMetadata)
            unit.Set(record.Reference, "type", "cbt_metadata");
        unit.Set(record.Reference, "sm_config", MergeSmConfig(sr, unit.Find(record.Reference)!.Map("sm_config"), volume));
        return unit.Find(record.Reference)!;
    }

    /// <summary>A uuid may be taken by another SR when files were copied; the volume then has another one here.</summary>
    private static Record? FindFor(UnitOfWork unit, Record sr, VolumeInfo volume)
    {
        if (volume.Uuid is not { } uuid)
            return Find(unit, sr, volume.Key);
        var found = unit.FindByUuid(unit.Model.Class("VDI"), uuid.ToString("D"));
        return found is not null && found.Target("SR") != sr.Reference ? Find(unit, sr, volume.Key) : found;
    }

    private Record Insert(UnitOfWork unit, Record sr, VolumeInfo volume)
    {
        var record = unit.Insert(
            unit.Model.Class("VDI"),
            ids.NewReference(),
            [
                ("uuid", volume.Uuid?.ToString("D") is { } uuid && unit.FindByUuid(unit.Model.Class("VDI"), uuid) is null ? uuid : ids.NewUuidText()),
                ("name_label", volume.Name),
                ("name_description", volume.Description),
                ("SR", sr.Reference),
                ("type", "user"),
                ("location", volume.Key),
                ("managed", volume.Managed),
                ("read_only", !volume.ReadWrite),
                ("sharable", volume.Sharable),
                ("snapshot_time", XenDate.Never),
                ("on_boot", "persist"),
            ]);
        VolumeKeys.Restore(unit, record, volume);
        return unit.Find(record.Reference)!;
    }

    private XenStruct MergeSmConfig(Record sr, XenStruct current, VolumeInfo volume)
    {
        foreach (var owned in storage.PluginOf(sr)?.Query().SmConfigKeys ?? [])
        {
            if (!volume.SmConfig.ContainsKey(owned))
                current = current.Without(owned);
        }

        foreach (var (key, value) in volume.SmConfig)
            current = current.With(key, value);
        return current;
    }

    /// <summary>Only what this unit changes is looked at: an SR may hold thousands of disks.</summary>
    internal static void UpdateAllocation(UnitOfWork unit, Record sr)
    {
        bool Inside(Record record) => IsInside(record, sr);

        var allocation = unit.Before(sr.Reference)?.Int("virtual_allocation") ?? 0;
        allocation += unit.Drafts.Where(Inside).Sum(v => Allocation(v) - Allocation(unit.Before(v.Reference)));
        allocation -= unit.Deleted.Where(Inside).Sum(Allocation);
        unit.Set(sr.Reference, "virtual_allocation", allocation);
        var used = unit.Before(sr.Reference)?.Int("physical_utilisation") ?? 0;
        used += unit.Drafts.Where(Inside).Sum(v => Used(v) - Used(unit.Before(v.Reference)));
        used -= unit.Deleted.Where(Inside).Sum(Used);
        unit.Set(sr.Reference, "physical_utilisation", used);
    }

    private static long Allocation(Record? vdi) => vdi?.Flag("managed") == true && vdi.Text("type") != "cbt_metadata" ? vdi.Int("virtual_size") : 0;

    private static long Used(Record? vdi) => vdi?.Int("physical_utilisation") ?? 0;

    private static bool IsInside(Record record, Record sr) => record.Class.Name == "VDI" && record.Target("SR") == sr.Reference;
}
