using XapiCompat.Core.Dispatch;
using XapiCompat.Core.Services;
using XapiCompat.Store;
using XapiCompat.Values;

namespace XapiCompat.Core.Handlers;

public sealed class PbdHandlers(RecordStore store, PbdService service, IdSource ids)
{
    [XenMessage("PBD.create")]
    public Ref Create(CallContext context, XenStruct args) => store.Commit(unit =>
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
    });

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

    [XenMessage("PBD.destroy")]
    public void Destroy(CallContext context, Ref self) => store.Commit(unit =>
    {
        if (unit.Get("PBD", self).Flag("currently_attached"))
            throw new XenException("OPERATION_NOT_ALLOWED", "PBD is currently attached");
        PbdRecords.Delete(unit, self.Text);
    });
}
