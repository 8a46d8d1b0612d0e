using XapiCompat.Datamodel;

namespace XapiCompat.Store;

/// <summary>Read access to all objects at one instant.</summary>
public interface IRecords
{
    Model Model { get; }

    Record? Find(string reference);

    Record? FindByUuid(ClassDef @class, string uuid);

    IEnumerable<Record> All(ClassDef @class);
}
