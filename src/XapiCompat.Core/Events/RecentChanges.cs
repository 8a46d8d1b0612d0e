using XapiCompat.Datamodel;
using XapiCompat.Store;

namespace XapiCompat.Core.Events;

/// <summary>
/// The latest changes in the order of commits, so that a client who follows closely costs what changed and not what
/// exists. Older questions are answered from the records themselves.
/// </summary>
internal sealed class RecentChanges
{
    private const int Kept = 8192;

    private readonly Lock _lock = new();
    private readonly Change[] _ring = new Change[Kept];
    private long _count;
    private long _since;
    private long _until;

    public RecentChanges(RecordStore store)
    {
        store.Committed += Note;
        lock (_lock)
            _since = _until = Math.Max(_until, store.Current.Generation);
    }

    /// <summary>Objects that changed after <paramref name="since"/> up to a generation, each once; null when that is not known.</summary>
    public IReadOnlyCollection<(ClassDef Class, string Reference)>? Between(long since, long until)
    {
        lock (_lock)
        {
            if (since < _since || until > _until)
                return null;
            var found = new HashSet<(ClassDef, string)>();
            // Backwards: whoever follows closely needs the last few.
            for (var i = _count - 1; i >= 0 && i >= _count - Kept && _ring[i % Kept].Generation > since; i--)
            {
                ref readonly var change = ref _ring[i % Kept];
                if (change.Generation <= until)
                    found.Add((change.Class, change.Reference));
            }

            return found;
        }
    }

    private void Note(CommitNotice notice)
    {
        lock (_lock)
        {
            foreach (var record in notice.Written)
                Add(new Change(notice.Generation, record.Class, record.Reference));
            foreach (var record in notice.Deleted)
                Add(new Change(notice.Generation, record.Class, record.Reference));
            _until = notice.Generation;
        }
    }

    private void Add(Change change)
    {
        ref var place = ref _ring[_count++ % Kept];
        if (_count > Kept)
            _since = place.Generation;
        place = change;
    }

    private readonly record struct Change(long Generation, ClassDef Class, string Reference);
}
