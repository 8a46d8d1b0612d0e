using XapiCompat.Datamodel;
using XapiCompat.Store;
using XapiCompat.Values;

namespace XapiCompat.Core.Services;

/// <summary>
/// Messages (alerts): written by clients and by the server about an object that is named by its uuid. They live beside
/// the database: no back-references, an own part of the event token. The oldest go when there are too many.
/// </summary>
public sealed class MessageService(RecordStore store, IdSource ids, TimeProvider clock)
{
    private const int Limit = 10_000;

    /// <summary>As many go at once, so that a full pool does not look for its oldest message each time.</summary>
    private const int Trimmed = 200;

    private readonly ClassDef _class = store.Model.Class("message");

    public IEnumerable<Record> All => store.Current.All(_class);

    /// <summary>Writes a message within a commit; <paramref name="class"/> is a member of the enum cls.</summary>
    public string Add(UnitOfWork unit, string name, long priority, string @class, string uuid, string body)
    {
        var surplus = store.Current.Count(_class) - Limit + 1;
        if (surplus > 0)
        {
            var oldest = store.Current.All(_class).OrderBy(m => m.Created).Take(surplus + Trimmed);
            foreach (var message in oldest.Where(m => unit.Find(m.Reference) is not null).ToList())
                unit.Delete(message.Reference);
        }

        var reference = ids.NewReference();
        unit.Insert(
            _class,
            reference,
            [
                ("uuid", ids.NewUuidText()),
                ("name", name),
                ("priority", priority),
                ("cls", @class),
                ("obj_uuid", uuid),
                ("timestamp", XenDate.Format(clock.GetUtcNow())),
                ("body", body),
            ]);
        return reference;
    }

    /// <summary>Takes along the messages about an object that goes.</summary>
    public static void DeleteAbout(UnitOfWork unit, string @class, string uuid)
    {
        var all = unit.All(unit.Model.Class("message")).Where(m => m.Text("obj_uuid") == uuid && m.Text("cls") == @class);
        foreach (var message in all.ToList())
            unit.Delete(message.Reference);
    }

    /// <summary>True when <paramref name="uuid"/> is that of an object of the class that a member of the enum cls stands for.</summary>
    public static bool Exists(IRecords records, string @class, string uuid) =>
        records.FindByUuid(records.Model.Class(@class switch { "Host" => "host", "Pool" => "pool", _ => @class }), uuid) is not null;
}
