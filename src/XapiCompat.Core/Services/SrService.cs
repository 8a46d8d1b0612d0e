using XapiCompat.Core.Dispatch;
using XapiCompat.Core.Operations;
using XapiCompat.Store;
using XapiCompat.Values;

namespace XapiCompat.Core.Services;

/// <summary>What SR.create is asked for.</summary>
public sealed record SrSpec(string Host, XenStruct DeviceConfig, string Name, string Description, string Type, string ContentType, bool Shared, XenStruct SmConfig);

/// <summary>SRs that come and go: directories and records of one call, an intent around both.</summary>
public sealed class SrService(RecordStore store, StorageHost storage, VolumeRecords volumes, OperationGuard guard, IdSource ids)
{
    public async ValueTask<Ref> CreateAsync(CallContext context, SrSpec spec)
    {
        store.Current.Get("host", spec.Host);
        PbdRecords.RequirePublicKeys(spec.DeviceConfig);
        SmRecords.RequireDriver(store.Current, spec.Type);
        // The driver is asked with what the PBD will hold: whoever plugs it later must find the same place.
        var secrets = SecretKeys.Hide(ids, (XenStruct)Storable.Clean(spec.DeviceConfig));
        var identity = new SrIdentity(ids.NewReference(), ids.NewUuidText(), storage.PluginOf(spec.Type), VdiService.Texts(secrets.Config));
        var intent = SrIntents.Create(ids, identity, spec.Type);
        store.Commit(unit => unit.BeginIntent(intent));
        try
        {
            var attached = await storage.AttachAsync(identity, create: true, context.Cancellation);
            var content = attached is null ? null : await SrContent.ReadAsync(attached, context.Cancellation);
            store.Commit(unit =>
            {
                secrets.Write(unit);
                SrRecords.Insert(unit, identity.Reference, identity.Uuid, spec);
                foreach (var host in spec.Shared ? unit.All(unit.Model.Class("host")).Select(h => h.Reference).ToList() : [spec.Host])
                    PbdRecords.Insert(unit, ids, host, identity.Reference, secrets.Config, attached: true);
                if (content is not null)
                    volumes.Synchronise(unit, unit.Find(identity.Reference)!, content.Volumes, content.Stat, store.Intents);
                unit.EndIntent(intent.Id);
            });
        }
        catch
        {
            await storage.DetachAsync(identity.Uuid);
            await StorageHost.RemoveEmptyAsync(identity);
            store.Commit(unit => unit.EndIntent(intent.Id));
            throw;
        }

        return new(identity.Reference);
    }

    /// <summary>Records only; the data appears when a PBD is plugged.</summary>
    public Ref Introduce(string uuid, SrSpec spec)
    {
        if (uuid.Length > 0 && !Guid.TryParseExact(uuid, "D", out _))
            throw Errors.UuidInvalid("SR", uuid);
        return store.Commit(unit =>
        {
            var given = uuid.ToLowerInvariant();
            if (given.Length > 0 && unit.FindByUuid(unit.Model.Class("SR"), given) is not null)
                throw new XenException("SR_UUID_EXISTS", uuid);
            var reference = ids.NewReference();
            SrRecords.Insert(unit, reference, given.Length > 0 ? given : ids.NewUuidText(), spec);
            return new Ref(reference);
        });
    }

    /// <summary>Removes the records; the data stays where it is.</summary>
    public async ValueTask ForgetAsync(CallContext context, Ref sr)
    {
        await using var scope = await guard.BeginAsync(context, [new("SR", sr.Text, "forget")]);
        store.Commit(unit => SrRecords.Forget(unit, unit.Get("SR", sr)));
    }

    public async ValueTask DestroyAsync(CallContext context, Ref sr)
    {
        store.Current.Get("SR", sr);
        await using var scope = await guard.BeginAsync(
            context, [new("SR", sr.Text, "destroy")], require: records => SrRules.Destroyable(records, records.Get("SR", sr)));
        var record = store.Current.Get("SR", sr);
        var identity = storage.Identity(record, store.Current.Get("PBD", record.Set("PBDs").First()));
        await RequireEmptyAsync(identity, context.Cancellation);

        var intent = SrIntents.Destroy(ids, identity, record.Text("type"));
        store.Commit(unit => unit.BeginIntent(intent));
        try
        {
            if (identity.Plugin is { } plugin)
                await plugin.DestroyAsync(identity.Configuration, context.Cancellation);
        }
        catch (Exception e)
        {
            store.Commit(unit => unit.EndIntent(intent.Id));
            if (StorageErrors.IsForeseen(e))
                throw StorageErrors.Translate(e, sr.Text, "", "destroy").AsException();
            throw;
        }

        store.Commit(unit =>
        {
            SrRecords.Forget(unit, unit.Get("SR", sr));
            unit.EndIntent(intent.Id);
        });
    }

    /// <summary>An SR that was introduced and never plugged may hold disks that no record tells of.</summary>
    private async ValueTask RequireEmptyAsync(SrIdentity identity, CancellationToken cancellationToken)
    {
        try
        {
            if (await storage.AttachAsync(identity, create: false, cancellationToken) is not { } attached)
                return;
            var found = await attached.ListAsync(cancellationToken);
            var archives = store.Current.Find(identity.Reference)!.Set("VDIs").Select(store.Current.Find).OfType<Record>()
                .Where(v => v.Text("type") == "rrd").Select(v => v.Text("location")).ToHashSet(StringComparer.Ordinal);
            if (found.Any(v => v.Managed && !archives.Contains(v.Key)))
                throw new XenException("SR_NOT_EMPTY");
        }
        finally
        {
            await storage.DetachAsync(identity.Uuid);
        }
    }
}
