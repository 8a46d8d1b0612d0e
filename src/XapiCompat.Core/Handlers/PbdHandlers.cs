using XapiCompat.Core.Dispatch;
using XapiCompat.Core.Operations;
using XapiCompat.Core.Services;
using XapiCompat.Store;
using XapiCompat.Values;

namespace XapiCompat.Core.Handlers;

public sealed class PbdHandlers(RecordStore store, PbdService service, OperationGuard guard, IdSource ids)
{
    [XenMessage("PBD.create")]
    public async ValueTask<Ref> Create(CallContext context, XenStruct args)
    {
        store.Current.Get("host", args["host"]!.ToString()!);
        await using var scope = await guard.BeginAsync(context, [new("SR", args["SR"]!.ToString()!, "pbd_create")]);
        return store.Commit(unit => Insert(unit, args));
    }

    [XenMessage("PBD.destroy")]
    public async ValueTask Destroy(CallContext context, Ref self)
    {
        RequireUnplugged(store.Current.Get("PBD", self));
        await using var scope = await guard.BeginAsync(context, [new("SR", store.Current.Get("PBD", self).Target("SR"), "pbd_destroy")]);
        store.Commit(unit =>
        {
            RequireUnplugged(unit.Get("PBD", self));
            PbdRecords.Delete(unit, self.Text);
        });
    }

    [XenMessage("PBD.plug")]
    public ValueTask Plug(CallContext context, Ref self) => service.PlugAsync(context, self);

    [XenMessage("PBD.unplug")]
    public ValueTask Unplug(CallContext context, Ref self) => service.UnplugAsync(context, self);

    /// <summary>Counts from the next plug on.</summary>
    [XenMessage("PBD.set_device_config")]
    public void SetDeviceConfig(CallContext context, Ref self, XenStruct value) => store.Commit(unit =>
    {
        unit.Get("PBD", self);
        PbdRecords.RequirePublicKeys(value);
        unit.Set(self.Text, "device_config", Storable.Clean(value));
    });

    private static void RequireUnplugged(Record pbd)
    {
        if (pbd.Flag("currently_attached"))
            throw new XenException("OPERATION_NOT_ALLOWED", "PBD is currently attached");
    }

    private Ref Insert(UnitOfWork unit, XenStruct args)
    {
        var host = unit.Get("host", args["host"]!.ToString()!);
        var sr = unit.Get("SR", args["SR"]!.ToString()!);
        if (sr.Set("PBDs").Select(unit.Find).OfType<Record>().FirstOrDefault(p => p.Target("host") == host.Reference) is { } existing)
            throw new XenException("PBD_EXISTS", sr.Reference, host.Reference, existing.Reference);
        var config = (XenStruct)args["device_config"]!;
        PbdRecords.RequirePublicKeys(config);
        var secrets = SecretKeys.Hide(ids, config);
        secrets.Write(unit);
        var reference = PbdRecords.Insert(unit, ids, host.Reference, sr.Reference, secrets.Config, attached: false);
        unit.Set(reference, "other_config", Storable.Clean(args["other_config"] ?? XenStruct.Empty));
        return new Ref(reference);
    }
}
