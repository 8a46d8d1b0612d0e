using System.Collections.Immutable;
using XapiCompat.Datamodel;

namespace XapiCompat.Store;

/// <summary>All objects as of one commit. Immutable: readers keep one and never wait.</summary>
public sealed class Database : IRecords
{
    private const int MuchWork = 10_000;

    private readonly RecordMap _byRef;
    private readonly ImmutableArray<ClassTable> _tables;

    private Database(Model model, long generation, RecordMap byRef, ImmutableArray<ClassTable> tables)
    {
        Model = model;
        Generation = generation;
        _byRef = byRef;
        _tables = tables;
    }

    public Model Model { get; }

    /// <summary>Number of the newest commit; grows for ever, across restarts too.</summary>
    public long Generation { get; }

    public static Database Empty(Model model, long generation) =>
        new(model, generation, RecordMap.Empty, [.. model.Classes.Select(_ => ClassTable.Empty)]);

    /// <summary>All objects as a start finds them. Takes <paramref name="byRef"/> over.</summary>
    public static Database Of(Model model, long generation, Dictionary<string, Record> byRef)
    {
        var records = model.Classes.Select(_ => new List<Record>()).ToList();
        foreach (var record in byRef.Values)
            records[record.Class.Index].Add(record);
        var tables = new ClassTable[records.Count];
        if (byRef.Count < MuchWork)
        {
            for (var i = 0; i < tables.Length; i++)
                tables[i] = ClassTable.Of(records[i], generation);
        }
        else
        {
            Parallel.For(0, tables.Length, i => tables[i] = ClassTable.Of(records[i], generation));
        }

        return new(model, generation, RecordMap.Of(byRef), [.. tables]);
    }

    public Record? Find(string reference) => _byRef.Find(reference);

    public Record? FindByUuid(ClassDef @class, string uuid) => _tables[@class.Index].ByUuid.Find(uuid);

    public IEnumerable<Record> All(ClassDef @class) => _tables[@class.Index].ByRef.Values;

    public int Count(ClassDef @class) => _tables[@class.Index].ByRef.Count;

    /// <summary>The highest generation of a change in a class, deletions included; 0 when nothing ever changed.</summary>
    public long LastChange(ClassDef @class) => _tables[@class.Index].LastChange;

    /// <summary>Objects of a class that are gone, oldest first; only the newest few hundred are remembered.</summary>
    public IEnumerable<Deletion> Deletions(ClassDef @class) => _tables[@class.Index].Deletions;

    internal Database Apply(long generation, IReadOnlyCollection<Record> written, IReadOnlyCollection<Record> deleted)
    {
        var tables = _tables.ToBuilder();
        var byClass = written.Select(r => (Record: r, Gone: false)).Concat(deleted.Select(r => (Record: r, Gone: true))).GroupBy(c => c.Record.Class.Index);
        foreach (var group in byClass)
            tables[group.Key] = tables[group.Key].With([.. group.Where(c => !c.Gone).Select(c => c.Record)], [.. group.Where(c => c.Gone).Select(c => c.Record)], generation);
        var changes = new List<KeyValuePair<string, Record?>>(written.Count + deleted.Count);
        changes.AddRange(written.Select(r => KeyValuePair.Create(r.Reference, (Record?)r)));
        changes.AddRange(deleted.Select(r => KeyValuePair.Create(r.Reference, (Record?)null)));
        return new(Model, generation, _byRef.With(changes), tables.ToImmutable());
    }
}

/// <summary>A remembered deletion: which object, its uuid or nothing, when made, when deleted (generations).</summary>
public sealed record Deletion(string Reference, string Uuid, long Created, long Deleted);
