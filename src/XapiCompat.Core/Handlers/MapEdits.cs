using XapiCompat.Core.Dispatch;
using XapiCompat.Core.Services;
using XapiCompat.Store;
using XapiCompat.Values;

namespace XapiCompat.Core.Handlers;

/// <summary>The rules of add_to and remove_from, for map messages that are explicit in the datamodel.</summary>
internal static class MapEdits
{
    public static void Add(UnitOfWork unit, Record record, string field, string key, XenValue value)
    {
        if (key.Length == 0)
            throw Errors.Internal("a key of " + record.Class.Name + "." + field + " cannot be empty");
        if (record.Map(field).Contains(key))
            throw new XenException("MAP_DUPLICATE_KEY", record.Class.Name, field, record.Reference, key);
        unit.Set(record.Reference, field, Storable.Clean(record.Map(field).With(key, value)));
    }

    public static void Remove(UnitOfWork unit, Record record, string field, string key) =>
        unit.Set(record.Reference, field, record.Map(field).Without(key));
}
