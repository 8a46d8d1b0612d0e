using XapiCompat.Core.Dispatch;
using XapiCompat.Core.Services;
using XapiCompat.Store;
using XapiCompat.Values;

namespace XapiCompat.Core.Handlers;

public sealed class PbdHandlers(RecordStore store, IdSource ids)
{
    [XenMessage("PBD.create")]
    public Ref Create(CallContext context, XenStruct args) => store.Commit(unit =>
    {
        var host = unit.Get("host", args["host"]!.ToString()!);
        var sr = unit.Get("SR", args["SR"]!.ToString()!);
        if (sr.Set("PBDs").Select(unit.Find).OfType<Record>().FirstOrDefault(p => p.Target("host") == host.Reference) is { } existing)
            throw new XenException("PBD_EXISTS", sr.Reference, host.Reference, existing.Reference);
        var reference = ids.NewReference();
        unit.Insert(unit.Model.Class("PBD"), reference, CreateRecord.Fields(unit.Model.Class("PBD"), args));
        unit.Set(reference, "uuid", ids.NewUuidText());
        return new Ref(reference);
    });

    [XenMessage("PBD.destroy")]
    public void Destroy(CallContext context, Ref self) => store.Commit(unit =>
    {
        if (unit.Get("PBD", self).Flag("currently_attached"))
            throw new XenException("OPERATION_NOT_ALLOWED", "PBD is currently attached");
        unit.Delete(self.Text);
    });
}
