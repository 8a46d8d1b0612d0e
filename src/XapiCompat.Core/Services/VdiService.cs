using XapiCompat.Core.Dispatch;
using XapiCompat.Core.Operations;
using XapiCompat.Storage;
using XapiCompat.Store;
using XapiCompat.Values;

namespace XapiCompat.Core.Services;

/// <summary>Create, snapshot, clone, destroy and resize of disks: rules, files and records of one call.</summary>
public sealed class VdiService(RecordStore store, StorageHost storage, VolumeRecords records, VolumeWork work, OperationGuard guard, IdSource ids, TimeProvider clock)
{
    /// <param name="also">Runs in the commit that makes the record, with its reference.</param>
    public async ValueTask<Ref> CreateAsync(CallContext context, XenStruct members, Action<UnitOfWork, string>? also = null)
    {
        if (members["type"]!.ToString() == "cbt_metadata")
            throw new XenException("VDI_INCOMPATIBLE_TYPE", "", VdiTypeText.Of("cbt_metadata"));
        var sr = store.Current.Get("SR", members["SR"]!.ToString()!);
        if (SrOperations.Check(store.Current, sr, "vdi_create") is { Code: "SR_OPERATION_NOT_SUPPORTED" } unsupported)
            throw unsupported.AsException();
        var attached = storage.Attached(sr);
        var uuid = ids.NewUuid();
        var intents = work.Promise("create", [(sr, uuid.ToString("D"))]);
        await using var scope = await guard.BeginAsync(context, [new("SR", sr.Reference, "vdi_create")], unit => Begin(unit, intents));
        var reference = ids.NewReference();
        try
        {
            var spec = new VolumeSpec(
                uuid,
                members["name_label"]!.ToString()!,
                members["name_description"]!.ToString()!,
                ((XenInt)members["virtual_size"]!).Number,
                ((XenBool)members["sharable"]!).Flag,
                Texts(members["sm_config"] as XenStruct ?? XenStruct.Empty))
            { Keys = VolumeKeys.OfDisk(members["type"]!.ToString()!) };
            var changes = await Translated(() => attached.CreateVolumeAsync(spec, context.Cancellation), sr, "", "create");
            store.Commit(unit =>
            {
                var volume = changes.Volume!;
                unit.Insert(unit.Model.Class("VDI"), reference, [.. CreateRecord.Fields(unit.Model.Class("VDI"), members)]);
                unit.Set(reference, "uuid", (volume.Uuid ?? uuid).ToString("D"));
                unit.Set(reference, "location", volume.Key);
                unit.Set(reference, "managed", true);
                unit.Set(reference, "snapshot_time", XenDate.Never);
                records.Apply(unit, sr, changes);
                also?.Invoke(unit, reference);
                End(unit, intents);
                scope.End(unit);
            });
        }
        catch
        {
            await UndoAsync(attached, sr, uuid.ToString("D"), intents);
            throw;
        }

        return new(reference);
    }

    public async ValueTask<Ref> CopyAsync(CallContext context, Ref vdi, CopyKind kind, XenStruct driverParams)
    {
        Refuse(store.Current.Get("VDI", vdi), kind == CopyKind.Snapshot ? "snapshot" : "clone");
        var plan = work.Plan(store.Current, store.Current.Get("VDI", vdi), kind);
        var intents = work.Promise(kind == CopyKind.Snapshot ? "snapshot" : "clone", [(plan.Sr, plan.NewUuid.ToString("D"))]);
        var name = kind == CopyKind.Snapshot ? "snapshot" : "clone";
        await using var scope = await guard.BeginAsync(
            context, [new("SR", plan.Sr.Reference, "vdi_" + name), new("VDI", vdi.Text, name)], unit => Begin(unit, intents));
        var copies = new List<FinishedCopy>();
        try
        {
            await work.CopyAsync([plan], Texts(driverParams), copies, _ => context.Progress(1), context.Cancellation);
            store.Commit(unit =>
            {
                work.Write(unit, copies[0]);
                End(unit, intents);
                scope.End(unit);
            });
        }
        catch
        {
            // With the record its promise has ended.
            if (store.Current.Find(plan.NewReference) is null)
                await work.DiscardAsync(copies, unit => End(unit, intents));
            throw;
        }

        return new(plan.NewReference);
    }

    public async ValueTask DestroyAsync(CallContext context, Ref self)
    {
        var vdi = store.Current.Get("VDI", self);
        Refuse(vdi, "destroy");
        var sr = store.Current.Get("SR", vdi.Target("SR"));
        var attached = storage.Attached(sr);
        RequireManaged(vdi);
        var key = vdi.Text("location");
        var intents = work.Promise("destroy", [(sr, key)]);
        await using var scope = await guard.BeginAsync(
            context, [new("SR", sr.Reference, "vdi_destroy"), new("VDI", self.Text, "destroy")], unit => Begin(unit, intents));
        try
        {
            await ClosingDatapaths.WaitAsync(attached, key, clock, context.Cancellation);
            var changes = await Translated(() => attached.DestroyVolumeAsync(key, context.Cancellation), sr, self.Text, "destroy");
            store.Commit(unit =>
            {
                if (unit.Find(self.Text) is { } doomed)
                    VolumeRecords.Delete(unit, doomed);
                records.Apply(unit, sr, changes);
                End(unit, intents);
                scope.End(unit);
            });
        }
        catch
        {
            var gone = await IsGoneAsync(attached, key);
            store.TryCommit(storage, sr.Uuid, unit =>
            {
                if (gone && unit.Find(self.Text) is { } doomed)
                    VolumeRecords.Delete(unit, doomed);
                End(unit, intents);
            });
            throw;
        }
    }

    /// <summary>A removal may fail when the data is gone already, at the sync behind it: then there is no disk to list any more.</summary>
    private static async ValueTask<bool> IsGoneAsync(AttachedSr attached, string key)
    {
        try
        {
            await attached.StatVolumeAsync(key, CancellationToken.None);
            return false;
        }
        catch (Exception e) when (StorageErrors.IsForeseen(e))
        {
            return e is StorageException { Fault: StorageFault.VolumeDoesNotExist };
        }
    }

    /// <param name="operation"><c>resize</c>, or <c>resize_online</c> where the driver takes it.</param>
    public async ValueTask ResizeAsync(CallContext context, Ref self, long size, string operation = "resize")
    {
        var vdi = store.Current.Get("VDI", self);
        Refuse(vdi, operation);
        var sr = store.Current.Get("SR", vdi.Target("SR"));
        var attached = storage.Attached(sr);
        RequireManaged(vdi);

        // Nothing would have to be removed; a start looks at the sizes of the SR.
        var intent = new Intent(ids.NewUuidText(), sr.Uuid, operation, []);
        await using var scope = await guard.BeginAsync(
            context, [new("SR", sr.Reference, "vdi_resize"), new("VDI", self.Text, operation)], unit => unit.BeginIntent(intent));
        try
        {
            await ClosingDatapaths.WaitAsync(attached, vdi.Text("location"), clock, context.Cancellation);
            var changes = await Translated(() => attached.ResizeAsync(vdi.Text("location"), size, context.Cancellation), sr, self.Text, operation);
            store.Commit(unit =>
            {
                records.Apply(unit, sr, changes, CbtAlerts.ResizeFailed);
                unit.EndIntent(intent.Id);
                scope.End(unit);
            });
        }
        catch
        {
            // The log of changed blocks may have gone before the rest failed.
            var left = await FindAsync(attached, vdi.Text("location"));
            store.TryCommit(storage, sr.Uuid, unit =>
            {
                if (left is not null && unit.Find(self.Text) is not null)
                    records.Apply(unit, sr, new(null, [left], []), CbtAlerts.ResizeFailed);
                unit.EndIntent(intent.Id);
            });
            throw;
        }
    }

    private static async ValueTask<VolumeInfo?> FindAsync(AttachedSr attached, string key)
    {
        try
        {
            return await attached.StatVolumeAsync(key, CancellationToken.None);
        }
        catch (Exception e) when (StorageErrors.IsForeseen(e))
        {
            return null;
        }
    }

    /// <summary>Name and description live with the data as well.</summary>
    public async ValueTask SetNameAsync(CallContext context, Ref self, string field, string value)
    {
        var vdi = store.Current.Get("VDI", self);
        var sr = store.Current.Get("SR", vdi.Target("SR"));
        var label = field == "name_label" ? value : vdi.Text("name_label");
        var description = field == "name_description" ? value : vdi.Text("name_description");
        if (storage.TryAttached(sr) is { } attached)
        {
            await Translated(
                async () =>
                {
                    await attached.SetNameAsync(vdi.Text("location"), label, description, context.Cancellation);
                    return true;
                },
                sr,
                self.Text,
                "update");
        }

        store.Commit(unit =>
        {
            unit.Get("VDI", self);
            unit.Set(self.Text, field, Storable.Clean(value));
        });
    }

    /// <summary>
    /// Stores with the data what the records of disks say about snapshots. The records are the truth: a volume that cannot
    /// take it now keeps older pairs.
    /// </summary>
    public async ValueTask KeepAsync(IEnumerable<string> references, CancellationToken cancellationToken)
    {
        foreach (var vdi in references.Select(store.Current.Find).OfType<Record>().Where(v => v.Class.Name == "VDI" && v.Flag("managed")).ToList())
        {
            if (store.Current.Find(vdi.Target("SR")) is not { } sr || storage.TryAttached(sr) is not { } attached)
                continue;
            try
            {
                await attached.SetAsync(vdi.Text("location"), VolumeKeys.Of(store.Current, vdi), cancellationToken);
            }
            catch (Exception e) when (StorageErrors.IsForeseen(e))
            {
            }
        }
    }

    /// <summary>Brings sizes of one VDI up to date after a writer closed it.</summary>
    public async ValueTask RefreshAsync(Record vdi, CancellationToken cancellationToken)
    {
        if (store.Current.Find(vdi.Target("SR")) is not { } sr || storage.TryAttached(sr) is not { } attached)
            return;
        try
        {
            await records.FollowAsync(store, sr, attached, vdi, cancellationToken);
        }
        catch (StorageException e) when (e.Fault == StorageFault.VolumeDoesNotExist)
        {
        }
    }

    internal static IReadOnlyDictionary<string, string> Texts(XenStruct map) =>
        map.Names.Zip(map.Values).ToDictionary(p => p.First, p => p.Second.ToString()!, StringComparer.Ordinal);

    internal static void Begin(UnitOfWork unit, IReadOnlyList<Intent> intents)
    {
        foreach (var intent in intents)
            unit.BeginIntent(intent);
    }

    internal static void End(UnitOfWork unit, IReadOnlyList<Intent> intents)
    {
        foreach (var intent in intents)
            unit.EndIntent(intent.Id);
    }

    /// <summary>What the rules forbid is said before anything is asked of the storage; busy disks are waited for later.</summary>
    private void Refuse(Record vdi, string operation)
    {
        if (VdiOperations.Check(store.Current, vdi, operation) is { Code: not "OTHER_OPERATION_IN_PROGRESS" } refusal)
            throw refusal.AsException();
    }

    internal static void RequireManaged(Record vdi)
    {
        if (!vdi.Flag("managed"))
            throw new XenException("VDI_NOT_MANAGED", vdi.Reference);
    }

    private async ValueTask UndoAsync(AttachedSr attached, Record sr, string key, IReadOnlyList<Intent> intents)
    {
        VolumeChanges undone;
        try
        {
            undone = await attached.DestroyVolumeAsync(key, CancellationToken.None);
        }
        catch (Exception e) when (StorageErrors.IsForeseen(e))
        {
            // The caller hears what went wrong first. What could not be removed now goes with the next start.
            return;
        }

        store.TryCommit(storage, sr.Uuid, unit =>
        {
            records.Apply(unit, sr, undone);
            End(unit, intents);
        });
    }

    internal static async ValueTask<T> Translated<T>(Func<ValueTask<T>> call, Record sr, string vdi, string operation)
    {
        try
        {
            return await call();
        }
        catch (Exception e) when (StorageErrors.IsForeseen(e))
        {
            throw StorageErrors.Translate(e, sr.Reference, vdi, operation).AsException();
        }
    }
}
