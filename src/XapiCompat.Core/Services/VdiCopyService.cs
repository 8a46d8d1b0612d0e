using XapiCompat.Core.Dispatch;
using XapiCompat.Core.Operations;
using XapiCompat.Storage;
using XapiCompat.Store;
using XapiCompat.Values;

namespace XapiCompat.Core.Services;

/// <summary>A new disk that is part of something bigger; it vanishes at the next start unless that is finished.</summary>
public sealed record PromisedDisk(string Reference, string Key, Record Sr, IReadOnlyList<Intent> Intents);

/// <summary>Full copies of disks, within an SR or into another one: data is read and written, nothing is shared.</summary>
public sealed class VdiCopyService(
    RecordStore store, StorageHost storage, VolumeRecords records, VolumeWork work, OperationGuard guard, IdSource ids, TimeProvider clock)
{
    private static readonly string[] Copied =
        ["name_label", "name_description", "virtual_size", "type", "sharable", "other_config", "xenstore_data", "tags", "on_boot", "allow_caching"];

    /// <summary>VDI.copy: into a new disk of <paramref name="sr"/>, or into <paramref name="intoVdi"/> when that is given.</summary>
    /// <param name="baseVdi">A disk whose data the target holds already; only what differs from it is written.</param>
    public async ValueTask<Ref> CopyAsync(CallContext context, Ref vdi, Ref sr, Ref baseVdi, Ref intoVdi)
    {
        var source = store.Current.Get("VDI", vdi);
        var reference = baseVdi.IsNull ? null : store.Current.Get("VDI", baseVdi);
        VdiService.RequireManaged(source);
        if (reference is not null)
            reference.RequireData();
        await using var scope = await guard.BeginAsync(context, [new("VDI", vdi.Text, "copy")]);
        if (!intoVdi.IsNull)
        {
            var into = store.Current.Get("VDI", intoVdi);
            CheckTarget(into, source);
            await FillAsync(source, into, reference, targetIsEmpty: false, context.Progress, context.Cancellation);
            return intoVdi;
        }

        return await FillNewAsync(context, await CreateTargetAsync(context, source, store.Current.Get("SR", sr)), source, reference, scope);
    }

    /// <summary>VDI.clone of a disk that cannot share its data: a full copy in its SR. Tags do not go along.</summary>
    public async ValueTask<Ref> CloneAsync(CallContext context, Ref vdi)
    {
        var source = store.Current.Get("VDI", vdi);
        VdiService.RequireManaged(source);
        await using var scope = await guard.BeginAsync(context, [new("VDI", vdi.Text, "clone")]);
        var fields = XenStruct.Of([.. Copied.Where(f => f != "tags").Select(f => (f, source[f]))]);
        var target = await CreateAsync(context, store.Current.Get("SR", source.Target("SR")), fields, new Dictionary<string, string>());
        return await FillNewAsync(context, target, source, null, scope);
    }

    /// <summary>
    /// True for a disk that its plugin neither snapshots nor clones. The plugin says so: what stands in the record's sm_config, clients
    /// may have written.
    /// </summary>
    public async ValueTask<bool> IsPlainFileAsync(Record vdi, CancellationToken cancellationToken)
    {
        if (store.Current.Find(vdi.Target("SR")) is not { } sr || storage.TryAttached(sr) is not { } attached)
            return false;
        try
        {
            return (await attached.StatVolumeAsync(vdi.Text("location"), cancellationToken)).SmConfig.GetValueOrDefault("type") == "raw";
        }
        catch (Exception e) when (StorageErrors.IsForeseen(e))
        {
            // Whatever is done with the disk next will say what is wrong with it.
            return false;
        }
    }

    private async ValueTask<Ref> FillNewAsync(CallContext context, PromisedDisk target, Record source, Record? baseVdi, OperationScope scope)
    {
        try
        {
            await FillAsync(source, store.Current.Get("VDI", target.Reference), baseVdi, targetIsEmpty: true, context.Progress, context.Cancellation);
            store.Commit(unit =>
            {
                VdiService.End(unit, target.Intents);
                scope.End(unit);
            });
            return new(target.Reference);
        }
        catch
        {
            await RemoveAsync(target);
            throw;
        }
    }

    /// <summary>An empty disk with the fields of <paramref name="source"/>; see <see cref="CreateAsync"/>.</summary>
    public ValueTask<PromisedDisk> CreateTargetAsync(CallContext context, Record source, Record sr) =>
        CreateAsync(context, sr, XenStruct.Of([.. Copied.Select(f => (f, source[f]))]), new Dictionary<string, string>());

    /// <summary>
    /// An empty disk. Its intents stay open: end them in the commit that makes it count, or call <see cref="RemoveAsync"/>.
    /// </summary>
    /// <param name="fields">Of the record; name_label, name_description, virtual_size, sharable and type at least.</param>
    public async ValueTask<PromisedDisk> CreateAsync(CallContext context, Record sr, XenStruct fields, IReadOnlyDictionary<string, string> smConfig)
    {
        if (SrOperations.Check(store.Current, sr, "vdi_create") is { Code: "SR_OPERATION_NOT_SUPPORTED" } unsupported)
            throw unsupported.AsException();
        var attached = storage.Attached(sr);
        var uuid = ids.NewUuid();
        var target = new PromisedDisk(ids.NewReference(), uuid.ToString("D"), sr, work.Promise("copy", [(sr, uuid.ToString("D"))]));
        await using var scope = await guard.BeginAsync(context, [new("SR", sr.Reference, "vdi_create")], unit => VdiService.Begin(unit, target.Intents));
        try
        {
            var spec = new VolumeSpec(
                uuid,
                fields["name_label"]!.ToString()!,
                fields["name_description"]!.ToString()!,
                ((XenInt)fields["virtual_size"]!).Number,
                ((XenBool)fields["sharable"]!).Flag,
                smConfig)
            {
                Keys = VolumeKeys.OfDisk(fields["type"]!.ToString()!),
            };
            var changes = await VdiService.Translated(() => attached.CreateVolumeAsync(spec, context.Cancellation), sr, "", "create");
            store.Commit(unit =>
            {
                unit.Insert(
                    unit.Model.Class("VDI"),
                    target.Reference,
                    [
                        .. fields.Names.Zip(fields.Values),
                        ("sm_config", XenStruct.Of(smConfig)),
                        ("uuid", uuid.ToString("D")),
                        ("SR", sr.Reference),
                        ("location", changes.Volume!.Key),
                        ("managed", true),
                        ("snapshot_time", XenDate.Never),
                    ]);
                records.Apply(unit, sr, changes);
                scope.End(unit);
            });
            return target;
        }
        catch
        {
            await RemoveAsync(target);
            throw;
        }
    }

    /// <summary>Writes a disk's data over another's.</summary>
    public async ValueTask FillAsync(Record source, Record target, Record? baseVdi, bool targetIsEmpty, Action<double> progress, CancellationToken cancellationToken)
    {
        var from = storage.Attached(store.Current.Get("SR", source.Target("SR")));
        var targetSr = store.Current.Get("SR", target.Target("SR"));
        var into = storage.Attached(targetSr);
        try
        {
            var changed = baseVdi is not null && baseVdi.Target("SR") == source.Target("SR")
                ? await from.CompareAsync(baseVdi.Text("location"), source.Text("location"), cancellationToken)
                : null;
            await ClosingDatapaths.WaitAsync(into, target.Text("location"), clock, cancellationToken);
            await using var reader = await from.OpenAsync(source.Text("location"), DatapathMode.Read, cancellationToken);
            await using var writer = await store.OpenDiskAsync(into, target, DatapathMode.ReadWrite, cancellationToken);
            await DiskCopy.RunAsync(reader, writer, changed, targetIsEmpty, progress, cancellationToken);
        }
        catch (IOException e) when (StorageErrors.Translate(e, "", "", "").Code != "SR_BACKEND_FAILURE_44")
        {
            throw new XenException(new XenFailure("VDI_IO_ERROR", "Device I/O errors"), e);
        }
        catch (Exception e) when (StorageErrors.IsForeseen(e))
        {
            throw StorageErrors.Translate(e, targetSr.Reference, target.Reference, "copy").AsException();
        }

        await records.FollowAsync(store, targetSr, into, target, CancellationToken.None);
    }

    /// <summary>
    /// Takes a target back: record, file and intents. These stay open for a file that cannot be removed now. Called where something has
    /// failed already, which the caller has to tell.
    /// </summary>
    public async ValueTask RemoveAsync(PromisedDisk target)
    {
        var undone = await work.TryDestroyAsync(target.Sr, target.Key);
        store.TryCommit(storage, target.Sr.Uuid, unit =>
        {
            if (unit.Find(target.Reference) is { } record)
                VolumeRecords.Delete(unit, record);
            if (undone is null)
                return;
            records.Apply(unit, target.Sr, undone);
            VdiService.End(unit, target.Intents);
        });
    }

    private void CheckTarget(Record into, Record source)
    {
        VdiService.RequireManaged(into);
        into.RequireData();
        if (into.Flag("read_only"))
            throw new XenException("VDI_READONLY", into.Reference);
        if (into.Int("virtual_size") < source.Int("virtual_size"))
            throw new XenException("VDI_TOO_SMALL", into.Reference, source.Int("virtual_size").ToString(System.Globalization.CultureInfo.InvariantCulture));
        if (into.Reference == source.Reference || into.Set("VBDs").Select(store.Current.Find).OfType<Record>().Any(v => v.Flag("currently_attached")))
            throw new XenException("VDI_IN_USE", into.Reference, "copy");
    }
}
