using System.Collections.Immutable;

namespace XapiCompat.Store;

/// <summary>The objects of one class, by reference and by uuid, and its latest deletions.</summary>
internal sealed record ClassTable(
    ImmutableDictionary<string, Record> ByRef,
    ImmutableDictionary<string, Record> ByUuid,
    ImmutableQueue<Deletion> Deletions,
    int DeletionCount,
    long LastChange)
{
    // A client whose token is older misses deletions and finds out through valid_ref_counts.
    private const int RememberedDeletions = 512;

    public static ClassTable Empty { get; } = new(
        ImmutableDictionary.Create<string, Record>(StringComparer.Ordinal),
        ImmutableDictionary.Create<string, Record>(StringComparer.Ordinal),
        [],
        0,
        0);

    public ClassTable With(Record record, long generation)
    {
        var byUuid = ByUuid;
        var uuid = UuidOf(record);
        if (ByRef.TryGetValue(record.Reference, out var old) && UuidOf(old) is { Length: > 0 } before && before != uuid)
            byUuid = byUuid.Remove(before);
        if (uuid.Length > 0)
            byUuid = byUuid.SetItem(uuid, record);
        return this with { ByRef = ByRef.SetItem(record.Reference, record), ByUuid = byUuid, LastChange = generation };
    }

    public ClassTable Without(Record record, long generation)
    {
        var deletions = Deletions.Enqueue(new(record.Reference, UuidOf(record), record.Created, generation));
        var count = DeletionCount + 1;
        if (count > RememberedDeletions)
        {
            deletions = deletions.Dequeue();
            count--;
        }

        return new(ByRef.Remove(record.Reference), ByUuid.Remove(UuidOf(record)), deletions, count, generation);
    }

    private static string UuidOf(Record record) => record.Class.Find("uuid") is null ? "" : record.Uuid;
}
