using System.Collections.Concurrent;
using System.Diagnostics;
using XapiCompat.Storage;

namespace XapiCompat.Core.Services;

/// <summary>
/// Nodes that went a short time ago. What an operation learnt of the SR before that, and writes after it, must not bring them back:
/// a collector works beside all operations.
/// </summary>
internal sealed class GoneNodes
{
    private const int PruneAt = 4096;

    /// <summary>The longest time from an operation's look at the SR to its commit.</summary>
    private static readonly TimeSpan Kept = TimeSpan.FromMinutes(10);

    private readonly ConcurrentDictionary<(string Sr, string Key), (string? Heir, long At)> _nodes = new();

    /// <param name="heir">Who is the parent of the node's children; null for nobody.</param>
    public void Note(string sr, string key, string? heir)
    {
        if (_nodes.Count >= PruneAt)
        {
            foreach (var old in _nodes.Where(n => Stopwatch.GetElapsedTime(n.Value.At) > Kept).ToList())
                _nodes.TryRemove(old);
        }

        _nodes[(sr, key)] = (heir, Stopwatch.GetTimestamp());
    }

    /// <summary>The changes as they would be by now, as far as nodes are concerned that went within <paramref name="age"/>.</summary>
    public VolumeChanges Adjust(string sr, VolumeChanges changes, TimeSpan? age = null) => _nodes.IsEmpty
        ? changes
        : changes with { Changed = [.. changes.Changed.Where(v => !IsGone(sr, v.Key, age ?? Kept)).Select(v => Adjust(sr, v, age ?? Kept))] };

    private bool IsGone(string sr, string key, TimeSpan age) => _nodes.TryGetValue((sr, key), out var gone) && Stopwatch.GetElapsedTime(gone.At) <= age;

    /// <summary>A parent that is gone is replaced by the one in its place.</summary>
    private VolumeInfo Adjust(string sr, VolumeInfo volume, TimeSpan age)
    {
        foreach (var (name, value) in volume.SmConfig)
        {
            var current = value;
            while (current is not null && IsGone(sr, current, age))
                current = _nodes[(sr, current)].Heir;
            if (current == value)
                continue;
            var config = volume.SmConfig.Where(p => p.Key != name).ToDictionary(p => p.Key, p => p.Value, StringComparer.Ordinal);
            if (current is not null)
                config[name] = current;
            return volume with { SmConfig = config };
        }

        return volume;
    }
}
