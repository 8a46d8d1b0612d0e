using System.Collections.Immutable;

namespace XapiCompat.Store;

/// <summary>The objects of one class, by reference and by uuid, and its latest deletions.</summary>
internal sealed record ClassTable(
    RecordMap ByRef,
    RecordMap ByUuid,
    ImmutableQueue<Deletion> Deletions,
    int DeletionCount,
    long LastChange)
{
    // A client whose token is older misses deletions and finds out through valid_ref_counts.
    private const int RememberedDeletions = 512;

    public static ClassTable Empty { get; } = new(RecordMap.Empty, RecordMap.Empty, [], 0, 0);

    /// <summary>A class whose objects all count as changed in one generation.</summary>
    public static ClassTable Of(List<Record> records, long generation)
    {
        if (records.Count == 0)
            return Empty;
        var byRef = new Dictionary<string, Record>(records.Count, StringComparer.Ordinal);
        var byUuid = new Dictionary<string, Record>(records.Count, StringComparer.Ordinal);
        foreach (var record in records)
        {
            byRef[record.Reference] = record;
            if (UuidOf(record) is { Length: > 0 } uuid)
                byUuid[uuid] = record;
        }

        return new(RecordMap.Of(byRef), RecordMap.Of(byUuid), [], 0, generation);
    }

    public ClassTable With(IReadOnlyCollection<Record> written, IReadOnlyCollection<Record> deleted, long generation)
    {
        var byRef = new List<KeyValuePair<string, Record?>>(written.Count + deleted.Count);
        var byUuid = new List<KeyValuePair<string, Record?>>(written.Count + deleted.Count);
        var (deletions, count) = (Deletions, DeletionCount);
        foreach (var record in deleted)
        {
            byRef.Add(new(record.Reference, null));
            byUuid.Add(new(UuidOf(record), null));
            deletions = deletions.Enqueue(new(record.Reference, UuidOf(record), record.Created, generation));
            if (++count > RememberedDeletions)
            {
                deletions = deletions.Dequeue();
                count--;
            }
        }

        foreach (var record in written)
        {
            if (ByRef.TryGetValue(record.Reference, out var old) && UuidOf(old) is { Length: > 0 } before && before != UuidOf(record))
                byUuid.Add(new(before, null));
            byRef.Add(new(record.Reference, record));
        }

        // Last, because a uuid may go from one object to another.
        byUuid.AddRange(written.Where(r => UuidOf(r).Length > 0).Select(r => KeyValuePair.Create(UuidOf(r), (Record?)r)));
        return new(ByRef.With(byRef), ByUuid.With(byUuid), deletions, count, generation);
    }

    private static string UuidOf(Record record) => record.Class.Find("uuid") is null ? "" : record.Uuid;
}
