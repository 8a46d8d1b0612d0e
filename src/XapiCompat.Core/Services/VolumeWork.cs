using XapiCompat.Core.Dispatch;
using XapiCompat.Storage;
using XapiCompat.Store;
using XapiCompat.Values;

namespace XapiCompat.Core.Services;

public enum CopyKind
{
    Snapshot,
    Clone,
    Copy,
}

/// <summary>A disk to snapshot or clone, and the uuid that the result gets.</summary>
public sealed record PlannedCopy(Record Source, Record Sr, Guid NewUuid, string NewReference, CopyKind Kind);

/// <summary>A finished copy: what the plugin changed.</summary>
/// <param name="DriverParams">What the plugin was told.</param>
public sealed record FinishedCopy(PlannedCopy Plan, VolumeChanges Changes, DateTimeOffset Time, IReadOnlyDictionary<string, string> DriverParams);

/// <summary>
/// Files first, records after, an intent around both: whatever moment the process dies at, a start finds either all of
/// a call or nothing of it.
/// </summary>
public sealed class VolumeWork(RecordStore store, StorageHost storage, VolumeRecords records, IdSource ids, TimeProvider clock)
{
    private const string ChainTooLong = "SR_BACKEND_FAILURE_109";

    /// <summary>The one key of the driver's parameters that a new disk keeps in its sm_config.</summary>
    private const string KeptParameter = "base_mirror";

    /// <summary>An intent per SR for new volumes; commit them with the marks of the operation.</summary>
    public IReadOnlyList<Intent> Promise(string operation, IEnumerable<(Record Sr, string Key)> volumes) =>
        [.. volumes.GroupBy(v => v.Sr.Uuid, v => v.Key).Select(g => new Intent(ids.NewUuidText(), g.Key, operation, [.. g]))];

    public PlannedCopy Plan(IRecords current, Record vdi, CopyKind kind)
    {
        var sr = current.Get("SR", vdi.Target("SR"));
        storage.Attached(sr);
        if (!vdi.Flag("managed"))
            throw new XenException("VDI_NOT_MANAGED", vdi.Reference);
        return new(vdi, sr, ids.NewUuid(), ids.NewReference(), kind);
    }

    /// <summary>Makes chains of an SR shorter; false when there was nothing to be done.</summary>
    public Func<Record, CancellationToken, ValueTask<bool>>? CatchUp { get; init; }

    /// <summary>
    /// Snapshots or clones disks while all their writers stand still, so that the results show one instant. On failure the error is the
    /// first disk's, and the caller calls <see cref="DiscardAsync"/>.
    /// </summary>
    /// <param name="finished">Gets each disk that is finished, in order, also where a later one fails.</param>
    /// <param name="done">Told the position of each disk that is finished, in order.</param>
    public async ValueTask CopyAsync(
        IReadOnlyList<PlannedCopy> plans, IReadOnlyDictionary<string, string> driverParams, List<FinishedCopy> finished, Action<int> done, CancellationToken cancellationToken)
    {
        try
        {
            await CopyOnceAsync(plans, driverParams, finished, done, cancellationToken);
            return;
        }
        catch (XenException e) when (e.Failure.Code == ChainTooLong && CatchUp is not null)
        {
            if (!await DiscardAsync(finished, _ => { }))
                throw;
            finished.Clear();

            // No gate is held here: the collector may need those of the same disks.
            var shorter = false;
            foreach (var sr in plans.Select(p => p.Sr).DistinctBy(s => s.Reference))
                shorter |= await CatchUp(sr, cancellationToken);
            if (!shorter)
                throw;
        }

        await CopyOnceAsync(plans, driverParams, finished, done, cancellationToken);
    }

    private async ValueTask CopyOnceAsync(
        IReadOnlyList<PlannedCopy> plans, IReadOnlyDictionary<string, string> driverParams, List<FinishedCopy> finished, Action<int> done, CancellationToken cancellationToken)
    {
        await using var hold = await DiskHold.AcquireAsync(
            plans.Select(p => new HeldDisk(storage.Attached(p.Sr), p.Source.Text("location"))), cancellationToken);
        foreach (var plan in plans)
        {
            cancellationToken.ThrowIfCancellationRequested();
            var sr = storage.Attached(plan.Sr);
            var key = plan.Source.Text("location");
            try
            {
                var now = clock.GetUtcNow();
                var changes = plan.Kind == CopyKind.Snapshot
                    ? await sr.SnapshotAsync(hold, key, plan.NewUuid, driverParams, VolumeKeys.OfSnapshot(plan.Source, now), cancellationToken)
                    : await sr.CloneAsync(hold, key, plan.NewUuid, driverParams, VolumeKeys.OfDisk(plan.Source.Text("type")), cancellationToken);
                finished.Add(new(plan, changes, now, driverParams));
            }
            catch (Exception e) when (StorageErrors.IsForeseen(e))
            {
                throw StorageErrors.Translate(e, plan.Sr.Reference, plan.Source.Reference, plan.Kind == CopyKind.Snapshot ? "snapshot" : "clone").AsException();
            }

            done(finished.Count - 1);
        }
    }

    /// <summary>
    /// Takes back copies whose records were never written; brings the other volumes' records up to date. Called where something has
    /// failed already, which the caller has to tell: a failure here goes to the log, and the promises stay open for the next attach.
    /// </summary>
    /// <param name="end">Part of the commit: ends the promises of the copies. Those that could not be removed are promised anew.</param>
    /// <returns>True when it was written.</returns>
    public async ValueTask<bool> DiscardAsync(IReadOnlyList<FinishedCopy> copies, Action<UnitOfWork> end)
    {
        var all = new List<(FinishedCopy Copy, VolumeChanges? Undone)>();
        foreach (var copy in copies)
            all.Add((copy, await TryDestroyAsync(copy.Plan.Sr, copy.Changes.Volume!.Key)));
        var left = Promise("destroy", all.Where(c => c.Undone is null).Select(c => (c.Copy.Plan.Sr, c.Copy.Changes.Volume!.Key)));
        return store.TryCommit(storage, copies.Select(c => c.Plan.Sr.Uuid).FirstOrDefault(""), unit =>
        {
            foreach (var (copy, undone) in all)
            {
                var key = copy.Changes.Volume!.Key;
                records.Apply(unit, copy.Plan.Sr, new(null, [.. copy.Changes.Changed.Where(v => v.Key != key)], copy.Changes.Removed));
                if (undone is not null)
                    records.Apply(unit, copy.Plan.Sr, undone);
            }

            VdiService.Begin(unit, left);
            end(unit);
        });
    }

    /// <summary>Removes what nobody will ask for any more; null when that fails, which is told to the log and to nobody else.</summary>
    public async ValueTask<VolumeChanges?> TryDestroyAsync(Record sr, string key)
    {
        try
        {
            var attached = storage.Attached(sr);
            await ClosingDatapaths.WaitAsync(attached, key, clock, CancellationToken.None);
            return await attached.DestroyVolumeAsync(key, CancellationToken.None);
        }
        catch (Exception e) when (StorageErrors.IsForeseen(e))
        {
            storage.OnProblem?.Invoke(sr.Uuid, "the disk " + key + " is of no use and goes when the SR is attached the next time: " + e.Message);
            return null;
        }
    }

    /// <summary>Writes the records of a finished copy; the source's fields go over to the new VDI.</summary>
    public Record Write(UnitOfWork unit, FinishedCopy copy)
    {
        var (plan, changes) = (copy.Plan, copy.Changes);
        var source = unit.Find(plan.Source.Reference) ?? plan.Source;
        var volume = changes.Volume!;
        var snapshot = plan.Kind == CopyKind.Snapshot;
        unit.Insert(
            unit.Model.Class("VDI"),
            plan.NewReference,
            [
                ("uuid", (volume.Uuid ?? plan.NewUuid).ToString("D")),
                ("SR", plan.Sr.Reference),
                ("location", volume.Key),
                ("name_label", source["name_label"]),
                ("name_description", source["name_description"]),
                ("type", source["type"]),
                ("sharable", source["sharable"]),
                ("read_only", !volume.ReadWrite),
                ("other_config", source["other_config"]),
                ("xenstore_data", source["xenstore_data"]),
                ("tags", source["tags"]),
                ("on_boot", source["on_boot"]),
                ("allow_caching", source["allow_caching"]),
                ("managed", true),
                ("is_a_snapshot", snapshot),
                ("snapshot_of", snapshot ? source.Reference : Ref.Null.Text),
                ("snapshot_time", snapshot ? XenDate.Format(copy.Time) : XenDate.Never),
            ]);
        records.Apply(unit, plan.Sr, changes, CbtAlerts.SnapshotFailed);
        if (copy.DriverParams.TryGetValue(KeptParameter, out var kept))
            unit.Set(plan.NewReference, "sm_config", unit.Find(plan.NewReference)!.Map("sm_config").With(KeptParameter, Storable.Clean(XenString.Of(kept)).ToString()!));
        return unit.Find(plan.NewReference)!;
    }

    /// <summary>
    /// Removes the files of volumes whose records are gone already, under an intent that was committed with them. It stays open for
    /// what cannot be removed now: the call it is part of has succeeded.
    /// </summary>
    public async ValueTask RemoveAsync(Record sr, Intent intent)
    {
        var all = true;
        foreach (var key in intent.Keys)
        {
            if (await TryDestroyAsync(sr, key) is { } changes)
                store.Commit(unit => records.Apply(unit, sr, changes));
            else
                all = false;
        }

        if (all)
            store.Commit(unit => unit.EndIntent(intent.Id));
    }
}
