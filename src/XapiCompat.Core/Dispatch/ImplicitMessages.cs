using XapiCompat.Core.Queries;
using XapiCompat.Core.Services;
using XapiCompat.Datamodel;
using XapiCompat.Store;
using XapiCompat.Values;

namespace XapiCompat.Core.Dispatch;

/// <summary>The 13 kinds of generated messages, answered from the datamodel and the records alone.</summary>
public sealed class ImplicitMessages(RecordStore store, IdSource ids)
{
    public XenValue Answer(MessageDef message, IReadOnlyList<XenValue> arguments)
    {
        var @class = message.Class;
        switch (message.Kind)
        {
            case MessageKind.Getter:
                return Self(message, arguments)[message.Field!];
            case MessageKind.GetRecord:
                return Self(message, arguments).Struct;
            case MessageKind.GetByUuid:
                var uuid = arguments[0].ToString()!;
                return (store.Current.FindByUuid(@class, uuid) ?? throw Errors.UuidInvalid(@class.Name, uuid)).Reference;
            case MessageKind.GetByNameLabel:
                return XenArray.Of(store.Current.All(@class).Where(r => r["name_label"].Equals(arguments[0])).Select(r => r.Reference));
            case MessageKind.GetAll:
                return XenArray.Of(store.Current.All(@class).Select(r => r.Reference));
            case MessageKind.GetAllRecords:
                return Records(store.Current, @class);
            case MessageKind.GetAllWhere:
                return XenArray.Of(Where(@class, arguments).Select(r => r.Reference));
            case MessageKind.GetAllRecordsWhere:
                return Records(Where(@class, arguments));
            case MessageKind.Setter:
                Change(message, arguments, _ => arguments[1]);
                return XenValue.Void;
            case MessageKind.AddTo:
                Change(message, arguments, r => Add(r, message.Field!, arguments));
                return XenValue.Void;
            case MessageKind.RemoveFrom:
                Change(message, arguments, r => Remove(r[message.Field!], arguments[1]));
                return XenValue.Void;
            case MessageKind.Create:
                return Create(@class, (XenStruct)arguments[0]);
            case MessageKind.Destroy:
                store.Commit(unit => unit.Delete(unit.Get(@class.Name, arguments[0].ToString()!).Reference));
                return XenValue.Void;
            default:
                throw new InvalidOperationException(message.FullName + " is not implicit");
        }
    }

    private Record Self(MessageDef message, IReadOnlyList<XenValue> arguments) =>
        store.Current.Get(message.Class.Name, ((XenString)arguments[0]).Text);

    private List<Record> Where(ClassDef @class, IReadOnlyList<XenValue> arguments)
    {
        var query = QueryExpression.Parse(arguments[0].ToString()!);
        return [.. store.Current.All(@class).Where(query.Matches)];
    }

    private static XenStruct Records(Database current, ClassDef @class)
    {
        var names = new string[current.Count(@class)];
        var values = new XenValue[names.Length];
        var i = 0;
        foreach (var record in current.All(@class))
        {
            names[i] = record.Reference;
            values[i++] = record.Struct;
        }

        return new(names, values);
    }

    private static XenStruct Records(List<Record> records) =>
        new([.. records.Select(r => r.Reference)], [.. records.Select(r => (XenValue)r.Struct)]);

    private void Change(MessageDef message, IReadOnlyList<XenValue> arguments, Func<Record, XenValue> change) =>
        store.Commit(unit =>
        {
            var record = unit.Get(message.Class.Name, arguments[0].ToString()!);
            unit.Set(record.Reference, message.Field!.Name, Storable.Clean(change(record)));
        });

    private static XenValue Add(Record record, FieldDef field, IReadOnlyList<XenValue> arguments)
    {
        if (record[field] is XenArray set)
            return set.Items.Contains(arguments[1]) ? set : new XenArray([.. set.Items, arguments[1]]);

        var map = (XenStruct)record[field];
        var key = arguments[1].ToString()!;
        if (key.Length == 0)
            throw Errors.Internal("a key of " + record.Class.Name + "." + field.Name + " cannot be empty");
        return map.Contains(key)
            ? throw new XenException("MAP_DUPLICATE_KEY", record.Class.Name, field.Name, record.Reference, key)
            : map.With(key, arguments[2]);
    }

    private static XenValue Remove(XenValue current, XenValue item) => current switch
    {
        XenArray set => set.Items.Contains(item) ? new XenArray([.. set.Items.Where(i => !i.Equals(item))]) : set,
        XenStruct map => map.Without(item.ToString()!),
        _ => current,
    };

    private string Create(ClassDef @class, XenStruct members)
    {
        var reference = ids.NewReference();
        store.Commit(unit =>
        {
            var record = unit.Insert(@class, reference, CreateRecord.Fields(@class, members));
            if (@class.Find("uuid") is not null)
                unit.Set(record.Reference, "uuid", ids.NewUuidText());
        });
        return reference;
    }
}
