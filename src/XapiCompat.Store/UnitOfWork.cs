using XapiCompat.Datamodel;
using XapiCompat.Values;

namespace XapiCompat.Store;

/// <summary>
/// The changes of one commit. Reads see them; nobody else does before the commit. Valid only inside
/// <see cref="RecordStore.Commit{T}"/>.
/// </summary>
public sealed class UnitOfWork : IRecords
{
    private readonly Database _base;
    private readonly Dictionary<string, Record> _drafts = new(StringComparer.Ordinal);
    private readonly Dictionary<string, Record> _deleted = new(StringComparer.Ordinal);

    internal UnitOfWork(Database database, Model model)
    {
        _base = database;
        Model = model;
    }

    public Model Model { get; }

    /// <summary>Objects made or changed so far.</summary>
    public IReadOnlyCollection<Record> Drafts => _drafts.Values;

    /// <summary>Objects deleted so far, as they were before.</summary>
    public IReadOnlyCollection<Record> Deleted => _deleted.Values;

    internal List<Intent> NewIntents { get; } = [];

    internal List<string> EndedIntents { get; } = [];

    /// <summary>The object before this unit, or null when it is new.</summary>
    public Record? Before(string reference) => _base.Find(reference);

    public Record? Find(string reference)
    {
        if (_drafts.TryGetValue(reference, out var draft))
            return draft;
        return _deleted.ContainsKey(reference) ? null : _base.Find(reference);
    }

    public Record? FindByUuid(ClassDef @class, string uuid)
    {
        foreach (var draft in _drafts.Values)
        {
            if (draft.Class == @class && draft.Class.Find("uuid") is not null && draft.Uuid == uuid)
                return draft;
        }

        return _base.FindByUuid(@class, uuid) is { } found && !_deleted.ContainsKey(found.Reference) ? found : null;
    }

    public IEnumerable<Record> All(ClassDef @class) =>
        _base.All(@class).Where(r => !_drafts.ContainsKey(r.Reference) && !_deleted.ContainsKey(r.Reference))
            .Concat(_drafts.Values.Where(r => r.Class == @class));

    /// <summary>Adds an object; fields not given take their defaults. Computed fields are filled at commit.</summary>
    public Record Insert(ClassDef @class, string reference, params IEnumerable<(string Field, XenValue Value)> fields)
    {
        var values = new XenValue[@class.Fields.Count];
        foreach (var field in @class.Fields)
            values[field.Index] = field.Computed ? XenArray.Empty : field.Default;
        foreach (var (field, value) in fields)
            values[@class[field]] = value;
        var record = new Record(@class, reference, values, 0, 0);
        _drafts.Add(reference, record);
        return record;
    }

    public void Set(string reference, string field, XenValue value)
    {
        var current = Find(reference) ?? throw new InvalidOperationException("no such object: " + reference);
        var index = current.Class[field];
        if (current.Values[index].Equals(value))
            return;
        if (!_drafts.TryGetValue(reference, out var draft))
            _drafts[reference] = draft = current.Draft();
        draft.Write(index, value);
    }

    /// <summary>Makes an object count as changed although no field differs: event.inject.</summary>
    public void Touch(string reference)
    {
        if (!_drafts.ContainsKey(reference) && Find(reference) is { } current)
            _drafts[reference] = current.Draft();
        _touched.Add(reference);
    }

    private readonly HashSet<string> _touched = new(StringComparer.Ordinal);

    public void Delete(string reference)
    {
        _drafts.Remove(reference);
        if (_base.Find(reference) is { } existing)
            _deleted[reference] = existing;
    }

    /// <summary>Records that files of an SR are about to change; see <see cref="Intent"/>.</summary>
    public void BeginIntent(Intent intent) => NewIntents.Add(intent);

    public void EndIntent(string id) => EndedIntents.Add(id);

    /// <summary>Derives the many side of every relation from what changed on the one side.</summary>
    internal void DeriveRelations(RelationIndex relations)
    {
        foreach (var record in _drafts.Values.ToList())
        {
            foreach (var relation in relations.From(record.Class))
                Mirror(relation, record.Reference, Before(record.Reference)?[relation.One], record[relation.One]);
        }

        foreach (var record in _deleted.Values.ToList())
        {
            foreach (var relation in relations.From(record.Class))
                Mirror(relation, record.Reference, record[relation.One], null);
        }
    }

    /// <summary>Drops drafts that equal what is stored: writing an equal value is no change.</summary>
    internal void DropUnchanged()
    {
        foreach (var record in _drafts.Values.ToList())
        {
            if (!_touched.Contains(record.Reference) && _base.Find(record.Reference) is { } before && before.SameValues(record))
                _drafts.Remove(record.Reference);
        }
    }

    private void Mirror(RelationDef relation, string source, XenValue? before, XenValue? after)
    {
        if (Equals(before, after))
            return;
        var old = RelationIndex.Targets(before);
        var now = RelationIndex.Targets(after);
        foreach (var target in old.Except(now))
            Edit(relation, target, items => [.. items.Where(i => i.ToString() != source)]);
        foreach (var target in now.Except(old))
            Edit(relation, target, items => items.Any(i => i.ToString() == source) ? items : [.. items, XenString.Of(source)]);
    }

    /// <summary>The items themselves are kept: sets of thousands change by one.</summary>
    private void Edit(RelationDef relation, string target, Func<IReadOnlyList<XenValue>, IReadOnlyList<XenValue>> edit)
    {
        if (Find(target) is { } record && record.Class == relation.ManyClass)
            Set(target, relation.Many.Name, new XenArray(edit(((XenArray)record[relation.Many]).Items)));
    }
}
