using XapiCompat.Core.Dispatch;
using XapiCompat.Core.Services;
using XapiCompat.Store;
using XapiCompat.Values;

namespace XapiCompat.Core.Handlers;

/// <summary>Blobs: places for data of clients, alone or under a name at an object.</summary>
public sealed class BlobHandlers(RecordStore store, IdSource ids)
{
    private static readonly string[] Owners = ["VM", "host", "pool", "SR", "network"];

    [XenMessage("blob.create")]
    public Ref Create(CallContext context, string mimeType, bool @public) =>
        store.Commit(unit => new Ref(Add(unit, mimeType, @public)));

    /// <summary>Objects that name the blob lose the entry.</summary>
    [XenMessage("blob.destroy")]
    public void Destroy(CallContext context, Ref self) => store.Commit(unit =>
    {
        unit.Get("blob", self);
        foreach (var owner in Owners.SelectMany(c => unit.All(unit.Model.Class(c))).Where(o => o.Map("blobs").Count > 0).ToList())
        {
            var blobs = owner.Map("blobs");
            foreach (var name in blobs.Names.Where(n => blobs[n]!.ToString() == self.Text).ToList())
                blobs = blobs.Without(name);
            unit.Set(owner.Reference, "blobs", blobs);
        }

        unit.Delete(self.Text);
    });

    [XenMessage("VM.create_new_blob")]
    public Ref OnVm(CallContext context, Ref vm, string name, string mimeType, bool @public) => Attach("VM", vm, name, mimeType, @public);

    [XenMessage("host.create_new_blob")]
    public Ref OnHost(CallContext context, Ref host, string name, string mimeType, bool @public) => Attach("host", host, name, mimeType, @public);

    [XenMessage("pool.create_new_blob")]
    public Ref OnPool(CallContext context, Ref pool, string name, string mimeType, bool @public) => Attach("pool", pool, name, mimeType, @public);

    [XenMessage("SR.create_new_blob")]
    public Ref OnSr(CallContext context, Ref sr, string name, string mimeType, bool @public) => Attach("SR", sr, name, mimeType, @public);

    [XenMessage("network.create_new_blob")]
    public Ref OnNetwork(CallContext context, Ref network, string name, string mimeType, bool @public) => Attach("network", network, name, mimeType, @public);

    private Ref Attach(string @class, Ref owner, string name, string mimeType, bool @public) => store.Commit(unit =>
    {
        var record = unit.Get(@class, owner);
        var blob = Add(unit, mimeType, @public);
        MapEdits.Add(unit, record, "blobs", name, blob);
        return new Ref(blob);
    });

    private string Add(UnitOfWork unit, string mimeType, bool @public)
    {
        var reference = ids.NewReference();
        unit.Insert(
            unit.Model.Class("blob"),
            reference,
            [
                ("uuid", ids.NewUuidText()),
                ("mime_type", mimeType.Length == 0 ? "application/octet-stream" : Storable.Clean(mimeType)),
                ("public", @public),
                ("last_updated", XenDate.Never),
            ]);
        return reference;
    }
}
