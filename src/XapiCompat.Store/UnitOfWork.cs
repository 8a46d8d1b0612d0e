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

    /// <summary>Who got a uuid in this unit; one that has lost it again is found out by looking.</summary>
    private readonly Dictionary<(ClassDef Class, string Uuid), string> _byUuid = [];

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

    internal Dictionary<string, string> NewFacts { get; } = new(StringComparer.Ordinal);

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
        if (_byUuid.TryGetValue((@class, uuid), out var reference) && _drafts.TryGetValue(reference, out var draft) && draft.Uuid == uuid)
            return draft;
        return _base.FindByUuid(@class, uuid) is { } found && Find(found.Reference) is { } current && current.Uuid == uuid ? current : null;
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
        if (@class.Find("uuid") is not null)
            _byUuid[(@class, record.Uuid)] = reference;
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
        if (field == "uuid")
            _byUuid[(draft.Class, draft.Uuid)] = reference;
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

    /// <summary>Stores a fact about the whole store, durable with this commit; see <see cref="RecordStore.Fact"/>.</summary>
    public void SetFact(string name, string value) => NewFacts[name] = value;

    /// <summary>
    /// Derives the many side of every relation from what changed on the one side. Changes are gathered by target first: a
    /// commit of thousands of disks writes the set of their SR once.
    /// </summary>
    internal void DeriveRelations(RelationIndex relations)
    {
        var edits = new Dictionary<(string Target, int Field), SetEdit>();
        foreach (var record in _drafts.Values)
        {
            foreach (var relation in relations.From(record.Class))
                Mirror(edits, relation, record.Reference, Before(record.Reference)?[relation.One], record[relation.One]);
        }

        foreach (var record in _deleted.Values)
        {
            foreach (var relation in relations.From(record.Class))
                Mirror(edits, relation, record.Reference, record[relation.One], null);
        }

        foreach (var ((target, _), edit) in edits)
            Apply(target, edit);
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

    private static void Mirror(
        Dictionary<(string Target, int Field), SetEdit> edits, RelationDef relation, string source, XenValue? before, XenValue? after)
    {
        if (Equals(before, after))
            return;
        var old = RelationIndex.Targets(before);
        var now = RelationIndex.Targets(after);
        foreach (var target in old.Except(now))
            Of(target).Removed.Add(source);
        foreach (var target in now.Except(old))
            Of(target).Added.Add(source);

        SetEdit Of(string target)
        {
            if (!edits.TryGetValue((target, relation.Many.Index), out var edit))
                edits[(target, relation.Many.Index)] = edit = new(relation);
            return edit;
        }
    }

    /// <summary>The items themselves are kept: sets of thousands change by one.</summary>
    private void Apply(string target, SetEdit edit)
    {
        if (Find(target) is not { } record || record.Class != edit.Relation.ManyClass)
            return;
        var items = ((XenArray)record[edit.Relation.Many]).Items;
        var kept = edit.Removed.Count == 0 ? items : [.. items.Where(i => !edit.Removed.Contains(i.ToString()!))];

        // A new object cannot be in the set yet, so that the sets of thousands are not searched for it.
        var known = edit.Added.Where(a => Before(a) is not null).ToHashSet(StringComparer.Ordinal);
        if (known.Count > 0)
            known.IntersectWith(kept.Select(i => i.ToString()!));
        XenValue[] added = [.. edit.Added.Where(a => !known.Contains(a)).Select(XenString.Of)];
        Set(target, edit.Relation.Many.Name, new XenArray([.. kept, .. added]));
    }

    private sealed class SetEdit(RelationDef relation)
    {
        public RelationDef Relation { get; } = relation;

        public HashSet<string> Removed { get; } = new(StringComparer.Ordinal);

        public List<string> Added { get; } = [];
    }
}
