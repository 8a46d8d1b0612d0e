using System.Collections.Immutable;
using System.Diagnostics.CodeAnalysis;

namespace XapiCompat.Store;

/// <summary>
/// Records by a text key. Immutable as seen from outside: a plain table that never changes again, and the changes since as a
/// tree over it. The table makes a load of many records and every lookup fast; it is made anew when the changes grow to a
/// quarter of it.
/// </summary>
internal sealed class RecordMap
{
    private const int FewChanges = 64;

    private readonly Dictionary<string, Record> _table;
    private readonly ImmutableDictionary<string, Record?> _changes;

    private RecordMap(Dictionary<string, Record> table, ImmutableDictionary<string, Record?> changes, int count)
    {
        _table = table;
        _changes = changes;
        Count = count;
    }

    public static RecordMap Empty { get; } =
        new(new(StringComparer.Ordinal), ImmutableDictionary.Create<string, Record?>(StringComparer.Ordinal), 0);

    /// <summary>Takes the table over: nobody may change it any more.</summary>
    public static RecordMap Of(Dictionary<string, Record> table) => new(table, Empty._changes, table.Count);

    public int Count { get; }

    public IEnumerable<Record> Values => _changes.IsEmpty ? _table.Values : Merged();

    public bool TryGetValue(string key, [NotNullWhen(true)] out Record? record)
    {
        if (!_changes.IsEmpty && _changes.TryGetValue(key, out record))
            return record is not null;
        return _table.TryGetValue(key, out record);
    }

    public Record? Find(string key) => TryGetValue(key, out var record) ? record : null;

    /// <summary>Sets or, with null, removes; the last one counts where a key comes twice.</summary>
    public RecordMap With(IReadOnlyCollection<KeyValuePair<string, Record?>> changes)
    {
        if (changes.Count == 0)
            return this;
        if (_changes.Count + changes.Count > Math.Max(FewChanges, _table.Count / 4))
            return Rebuilt(changes);
        var count = Count;
        var builder = _changes.ToBuilder();
        foreach (var (key, record) in changes)
        {
            var known = builder.TryGetValue(key, out var before) ? before is not null : _table.ContainsKey(key);
            count += (record is null ? 0 : 1) - (known ? 1 : 0);
            if (record is null && !_table.ContainsKey(key))
                builder.Remove(key);
            else
                builder[key] = record;
        }

        return new(_table, builder.ToImmutable(), count);
    }

    private IEnumerable<Record> Merged()
    {
        foreach (var (key, record) in _table)
        {
            if (!_changes.ContainsKey(key))
                yield return record;
        }

        foreach (var (_, record) in _changes)
        {
            if (record is not null)
                yield return record;
        }
    }

    private RecordMap Rebuilt(IReadOnlyCollection<KeyValuePair<string, Record?>> changes)
    {
        var table = new Dictionary<string, Record>(_table.Count + changes.Count, StringComparer.Ordinal);
        foreach (var (key, record) in _table)
            table[key] = record;
        foreach (var (key, record) in _changes.Concat(changes))
        {
            if (record is null)
                table.Remove(key);
            else
                table[key] = record;
        }

        return new(table, Empty._changes, table.Count);
    }
}
