using System.Globalization;
using XapiCompat.Datamodel;
using XapiCompat.Values;

namespace XapiCompat.Store;

/// <summary>
/// All records: in memory for reads, in SQLite behind every commit. One writer at a time; readers take
/// <see cref="Current"/> and never wait. A commit is the only source of events and back-references.
/// </summary>
public sealed class RecordStore : IDisposable
{
    private readonly Lock _writer = new();
    private readonly RelationIndex _relations;
    private readonly SqliteFile _file;
    private readonly SpaceReserve _space;
    private readonly Dictionary<string, Intent> _intents;
    private volatile Database _current;
    private TaskCompletionSource _nextCommit = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private long _reservedGeneration;

    private RecordStore(OpenedFile opened, Model model)
    {
        _file = opened.File;
        _space = opened.Space;
        Model = model;
        _relations = new(model);
        _reservedGeneration = opened.Reserved;
        _intents = opened.Intents.ToDictionary(i => i.Id, StringComparer.Ordinal);
        _current = Database.Empty(model, opened.Start);
    }

    public Model Model { get; }

    /// <summary>The newest committed state.</summary>
    public Database Current => _current;

    /// <summary>
    /// Fills derived fields of what a unit changed (allowed_operations), before it is compared and written. Set once,
    /// at start.
    /// </summary>
    public Action<UnitOfWork>? Derive { get; set; }

    /// <summary>
    /// Passed as <c>commit.before</c> and <c>commit.after</c> around each commit, outside of the writer's lock. For testers, who stop there.
    /// </summary>
    public Action<string>? FaultPoint { get; set; }

    /// <summary>Told of each commit, in order, inside the writer's lock: keep it short.</summary>
    public event Action<CommitNotice>? Committed;

    /// <summary>A store whose objects are not there yet: others may be joined to it, but nobody may read or commit before <see cref="LoadAsync"/>.</summary>
    public static async Task<RecordStore> BeginAsync(RecordFile file, Model model) => new(await file.OpenedAsync(), model);

    /// <summary>Fills the store with what its file has.</summary>
    /// <param name="now">Goes into what is not stored and made anew.</param>
    public async Task LoadAsync(RecordFile file, DateTimeOffset now) =>
        _current = StoreLoader.Load(Model, _relations, await file.RecordsAsync(Model), _current.Generation, now);

    /// <summary>Opens or makes the database file. <paramref name="durable"/>: commits survive a power cut too.</summary>
    public static async Task<RecordStore> OpenAsync(string path, Model model, bool durable = false, DateTimeOffset now = default)
    {
        var file = RecordFile.Open(path, durable);
        try
        {
            var store = await BeginAsync(file, model);
            await store.LoadAsync(file, now);
            return store;
        }
        catch
        {
            await file.DisposeAsync();
            throw;
        }
    }

    /// <summary>Operations that were interrupted, at start; operations under way, later.</summary>
    public IReadOnlyList<Intent> Intents
    {
        get
        {
            lock (_writer)
                return [.. _intents.Values];
        }
    }

    /// <summary>A stored fact about the whole store (<see cref="UnitOfWork.SetFact"/>), or null.</summary>
    public string? Fact(string name)
    {
        lock (_writer)
            return _file.ReadMeta(name);
    }

    public void Commit(Action<UnitOfWork> change) => Commit(unit =>
    {
        change(unit);
        return true;
    });

    /// <summary>
    /// Runs <paramref name="change"/> alone and makes its changes visible and durable at once, or, when it throws, not
    /// at all.
    /// </summary>
    public T Commit<T>(Func<UnitOfWork, T> change)
    {
        if (FaultPoint is not { } pass)
            return CommitNow(change);
        pass("commit.before");
        var result = CommitNow(change);
        pass("commit.after");
        return result;
    }

    private T CommitNow<T>(Func<UnitOfWork, T> change)
    {
        TaskCompletionSource woken;
        T result;
        lock (_writer)
        {
            var unit = new UnitOfWork(_current, Model);
            result = change(unit);
            unit.DeriveRelations(_relations);
            Derive?.Invoke(unit);
            unit.DropUnchanged();
            if (unit.Drafts.Count + unit.Deleted.Count + unit.NewIntents.Count + unit.EndedIntents.Count + unit.NewFacts.Count == 0)
                return result;

            var generation = _current.Generation + 1;
            foreach (var record in unit.Drafts)
            {
                record.Modified = generation;
                if (record.Created == 0)
                    record.Created = generation;
            }

            var reserve = generation >= _reservedGeneration ? generation + RecordFile.GenerationBlock : _reservedGeneration;
            if (reserve != _reservedGeneration)
                unit.NewFacts[RecordFile.Generation] = Text(reserve);
            Write(unit);
            _reservedGeneration = reserve;
            foreach (var intent in unit.NewIntents)
                _intents[intent.Id] = intent;
            foreach (var id in unit.EndedIntents)
                _intents.Remove(id);
            if (unit.Drafts.Count + unit.Deleted.Count == 0)
                return result;

            _current = _current.Apply(generation, unit.Drafts, unit.Deleted);
            Committed?.Invoke(new(generation, unit.Drafts, unit.Deleted));
            woken = _nextCommit;
            _nextCommit = new(TaskCreationOptions.RunContinuationsAsynchronously);
        }

        woken.SetResult();
        return result;
    }

    /// <summary>
    /// Lets a field that is not stored be computed for each object when somebody reads it first; without a commit. Only while
    /// nobody else knows the store. The objects count as changed now: a client with a token from before a restart may know
    /// another value.
    /// </summary>
    public void FillLater(ClassDef @class, string field, Func<Record, XenValue> compute)
    {
        var later = new LaterField(@class[field], compute);
        foreach (var record in _current.All(@class))
        {
            record.FillLater(later);
            record.Modified = _current.Generation;
        }
    }

    /// <summary>Completes as soon as something newer than <paramref name="generation"/> is committed.</summary>
    public Task NextCommitAsync(long generation)
    {
        lock (_writer)
            return _current.Generation > generation ? Task.CompletedTask : _nextCommit.Task;
    }

    /// <summary>Brings the database file itself up to date, durable against a power cut.</summary>
    public void Flush()
    {
        lock (_writer)
            _file.Checkpoint();
    }

    public void Dispose()
    {
        lock (_writer)
            _file.Dispose();
    }

    /// <summary>Writes a unit, or throws OUT_OF_SPACE with nothing changed.</summary>
    private void Write(UnitOfWork unit)
    {
        var frees = unit.Deleted.Any(r => r.Class.Persistent) || unit.EndedIntents.Count > 0 || unit.NewIntents.Any(i => i.Operation == "destroy");
        while (true)
        {
            try
            {
                _file.Write(unit.Drafts.Where(r => IsDurableChange(unit, r)), unit.Deleted, unit.NewIntents, unit.EndedIntents, unit.NewFacts);
                if (frees)
                    _space.Hold();
                return;
            }
            catch (StoreFullException) when (frees && _space.Release())
            {
                // Once more, with the space held back for this.
            }
            catch (StoreFullException e)
            {
                throw new XenException(new("OUT_OF_SPACE", e.Path), e);
            }
        }
    }

    /// <summary>Operations in progress and other fields that a restart forgets change often; they cost no disk write.</summary>
    private static bool IsDurableChange(UnitOfWork unit, Record record)
    {
        if (!record.Class.Persistent)
            return false;
        if (unit.Before(record.Reference) is not { } before)
            return true;
        foreach (var field in record.Class.Fields)
        {
            if (field.Persist && !field.Computed && !before[field].Equals(record[field]))
                return true;
        }

        return false;
    }

    private static string Text(long number) => number.ToString(CultureInfo.InvariantCulture);
}

/// <summary>What one commit wrote and deleted.</summary>
public sealed record CommitNotice(long Generation, IReadOnlyCollection<Record> Written, IReadOnlyCollection<Record> Deleted);
