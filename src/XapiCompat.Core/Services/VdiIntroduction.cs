using XapiCompat.Core.Dispatch;
using XapiCompat.Core.Operations;
using XapiCompat.Storage;
using XapiCompat.Store;
using XapiCompat.Values;

namespace XapiCompat.Core.Services;

/// <summary>Records for disks that exist already, and records taken away from disks that stay.</summary>
public sealed class VdiIntroduction(RecordStore store, StorageHost storage, VolumeRecords records, OperationGuard guard, IdSource ids)
{
    /// <summary>VDI.introduce: the plugin finds the volume and says what it is; names and maps come from the caller.</summary>
    public async ValueTask<Ref> IntroduceAsync(CallContext context, XenStruct given)
    {
        var sr = store.Current.Get("SR", given["SR"]!.ToString()!);
        var (uuid, location) = (given["uuid"]!.ToString()!, given["location"]!.ToString()!);
        if (SrOperations.Check(store.Current, sr, "vdi_introduce") is { Code: "SR_OPERATION_NOT_SUPPORTED" } unsupported)
            throw unsupported.AsException();
        var attached = storage.Attached(sr);
        if (At(store.Current, sr, location) is { } other && other.Uuid != uuid)
            throw new XenException("LOCATION_NOT_UNIQUE", sr.Reference, location);
        await using var scope = await guard.BeginAsync(context, [new("SR", sr.Reference, "vdi_introduce")]);
        var volumes = await VdiService.Translated(() => attached.ListAsync(context.Cancellation), sr, "", "introduce");
        var volume = volumes.FirstOrDefault(v => v.Key == location) ?? throw new XenException("VDI_MISSING", sr.Reference, uuid);
        return store.Commit(unit =>
        {
            records.Apply(unit, sr, new(volume, [volume with { Uuid = volume.Uuid ?? NewUuid(uuid) }], []));
            var vdi = At(unit, sr, location)!.Reference;
            foreach (var name in (string[])["name_label", "name_description"])
            {
                if (given[name]!.ToString() is { Length: > 0 } text)
                    unit.Set(vdi, name, Storable.Clean(text));
            }

            foreach (var name in (string[])["type", "sharable", "other_config", "xenstore_data"])
            {
                if (name != "type" || volume.Kind == VolumeKind.Data)
                    unit.Set(vdi, name, Storable.Clean(given[name]!));
            }
            var known = unit.Find(vdi)!.Map("sm_config");
            foreach (var key in ((XenStruct)given["sm_config"]!).Names.Where(k => !known.Contains(k)))
                unit.Set(vdi, "sm_config", unit.Find(vdi)!.Map("sm_config").With(key, ((XenStruct)given["sm_config"]!)[key]!));
            scope.End(unit);
            return new Ref(vdi);
        });
    }

    /// <summary>VDI.db_introduce and VDI.pool_introduce: a row with exactly what the caller says; no plugin is asked.</summary>
    public Ref IntroduceRow(XenStruct given) => store.Commit(unit =>
    {
        var sr = unit.Get("SR", given["SR"]!.ToString()!);
        var (uuid, location) = (given["uuid"]!.ToString()!, given["location"]!.ToString()!);
        if (At(unit, sr, location) is not null)
            throw new XenException("LOCATION_NOT_UNIQUE", sr.Reference, location);
        if (!Guid.TryParseExact(uuid, "D", out _))
            throw Errors.UuidInvalid("VDI", uuid);
        if (unit.FindByUuid(unit.Model.Class("VDI"), uuid) is not null)
            throw new XenException("DB_UNIQUENESS_CONSTRAINT_VIOLATION", "VDI", "uuid", uuid);
        var vdi = ids.NewReference();
        unit.Insert(unit.Model.Class("VDI"), vdi, given.Names.Zip(given.Values, (name, value) => (name, Storable.Clean(value))));
        VolumeRecords.UpdateAllocation(unit, sr);
        return new Ref(vdi);
    });

    /// <summary>VDI.forget: the row goes, the data stays; the next scan finds it under a new reference.</summary>
    public async ValueTask ForgetAsync(CallContext context, Ref vdi)
    {
        store.Current.Get("VDI", vdi);
        await using var scope = await guard.BeginAsync(context, [new("VDI", vdi.Text, "forget")]);
        store.Commit(unit => VolumeRecords.Delete(unit, unit.Get("VDI", vdi)));
    }

    public void ForgetRow(Ref vdi) => store.Commit(unit => VolumeRecords.Delete(unit, unit.Get("VDI", vdi)));

    /// <summary>VDI.update: what the plugin finds now.</summary>
    public async ValueTask UpdateAsync(CallContext context, Ref vdi)
    {
        var record = store.Current.Get("VDI", vdi);
        var sr = store.Current.Get("SR", record.Target("SR"));
        var attached = storage.Attached(sr);
        await using var scope = await guard.BeginAsync(context, [new("VDI", vdi.Text, "update")]);
        var volume = await VdiService.Translated(() => attached.StatVolumeAsync(record.Text("location"), context.Cancellation), sr, vdi.Text, "update");
        store.Commit(unit =>
        {
            records.Apply(unit, sr, new(volume, [volume], []));
            unit.Set(vdi.Text, "name_label", Storable.Clean(volume.Name));
            unit.Set(vdi.Text, "name_description", Storable.Clean(volume.Description));
            scope.End(unit);
        });
    }

    private static Record? At(IRecords current, Record sr, string location) =>
        current is UnitOfWork unit
            ? VolumeRecords.Find(unit, sr, location)
            : sr.Set("VDIs").Select(current.Find).OfType<Record>().FirstOrDefault(v => v.Text("location") == location);

    private Guid NewUuid(string asked) => Guid.TryParse(asked, out var uuid) ? uuid : ids.NewUuid();
}
