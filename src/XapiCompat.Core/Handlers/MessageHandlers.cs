using System.Globalization;
using XapiCompat.Core.Dispatch;
using XapiCompat.Core.Queries;
using XapiCompat.Core.Services;
using XapiCompat.Store;
using XapiCompat.Values;

namespace XapiCompat.Core.Handlers;

/// <summary>The message class is no table, so even its readers are explicit.</summary>
public sealed class MessageHandlers(RecordStore store, MessageService messages)
{
    [XenMessage("message.create")]
    public Ref Create(CallContext context, string name, long priority, string cls, string objUuid, string body) => store.Commit(unit =>
    {
        if (!MessageService.Exists(unit, cls, objUuid))
            throw Errors.UuidInvalid(cls, objUuid);
        return new Ref(messages.Add(unit, Clean(name), priority, cls, objUuid, Clean(body)));
    });

    [XenMessage("message.destroy")]
    public void Destroy(CallContext context, Ref self) => store.Commit(unit => unit.Delete(unit.Get("message", self).Reference));

    /// <summary>All or none: a reference of no message stops the call before the first is gone.</summary>
    [XenMessage("message.destroy_many")]
    public void DestroyMany(CallContext context, XenArray references) => store.Commit(unit =>
    {
        foreach (var reference in references.Items.Select(i => i.ToString()!).Distinct().ToList())
            unit.Delete(unit.Get("message", reference).Reference);
    });

    [XenMessage("message.destroy_all")]
    public void DestroyAll(CallContext context, XenStruct filters)
    {
        var before = Date(filters, "before");
        var after = Date(filters, "after");
        long? priority = filters["priority"]?.ToString() is not { } text ? null
            : long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var number) ? number
            : throw Errors.Internal("priority is no number: " + text);
        store.Commit(unit =>
        {
            foreach (var message in unit.All(unit.Model.Class("message")).ToList())
            {
                var timestamp = message.Text("timestamp");
                if ((before is null || string.CompareOrdinal(timestamp, before) < 0)
                    && (after is null || string.CompareOrdinal(timestamp, after) > 0)
                    && (priority is null || message.Int("priority") == priority))
                    unit.Delete(message.Reference);
            }
        });
    }

    [XenMessage("message.get")]
    public XenStruct Get(CallContext context, string cls, string objUuid, XenDateTime since)
    {
        if (!MessageService.Exists(store.Current, cls, objUuid))
            throw new XenException("UUID_INVALID");
        return Map(messages.All.Where(m => m.Text("cls") == cls && m.Text("obj_uuid") == objUuid && string.CompareOrdinal(m.Text("timestamp"), since.Text) > 0));
    }

    [XenMessage("message.get_since")]
    public XenStruct GetSince(CallContext context, XenDateTime since) =>
        Map(messages.All.Where(m => string.CompareOrdinal(m.Text("timestamp"), since.Text) >= 0));

    [XenMessage("message.get_all")]
    public XenArray GetAll(CallContext context) => XenArray.Of(messages.All.Select(m => m.Reference));

    [XenMessage("message.get_all_records")]
    public XenStruct GetAllRecords(CallContext context) => Map(messages.All);

    [XenMessage("message.get_all_records_where")]
    public XenStruct GetAllRecordsWhere(CallContext context, string expr)
    {
        var query = QueryExpression.Parse(expr);
        return Map(messages.All.Where(query.Matches));
    }

    [XenMessage("message.get_record")]
    public XenValue GetRecord(CallContext context, Ref self) => store.Current.Get("message", self).Struct;

    [XenMessage("message.get_by_uuid")]
    public Ref GetByUuid(CallContext context, string uuid) =>
        store.Current.FindByUuid(store.Model.Class("message"), uuid)?.Ref ?? throw Errors.UuidInvalid("message", uuid);

    private static string? Date(XenStruct filters, string name) =>
        filters[name]?.ToString() is not { } text ? null
        : XenDate.TryParse(text, out var date) ? date.Text
        : throw Errors.Internal(name + " is no date: " + text);

    private static string Clean(string text) => Storable.Clean(XenString.Of(text)).ToString()!;

    private static XenStruct Map(IEnumerable<Record> records)
    {
        var list = records.ToList();
        return new([.. list.Select(r => r.Reference)], [.. list.Select(r => r.Struct)]);
    }
}
