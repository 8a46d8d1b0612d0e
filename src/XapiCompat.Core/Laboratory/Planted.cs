namespace XapiCompat.Core.Laboratory;

/// <summary>What testers have put into the server, each with the way back.</summary>
public sealed class Planted
{
    private readonly Lock _lock = new();
    private readonly List<(int Id, string What, Func<ValueTask> Undo)> _things = [];
    private int _lastId;

    /// <summary>Notes one; its number is the result.</summary>
    public int Add(string what, Func<ValueTask> undo)
    {
        lock (_lock)
        {
            _things.Add((++_lastId, what, undo));
            return _lastId;
        }
    }

    /// <summary>The things that were not undone, oldest first.</summary>
    public IReadOnlyList<(int Id, string What)> All
    {
        get
        {
            lock (_lock)
                return [.. _things.Select(t => (t.Id, t.What))];
        }
    }

    /// <summary>Undoes one, or all, the newest first. False when there is none of that number.</summary>
    public async ValueTask<bool> UndoAsync(int? id)
    {
        List<(int Id, string What, Func<ValueTask> Undo)> undoing;
        lock (_lock)
        {
            undoing = [.. _things.Where(t => id is null || t.Id == id).Reverse()];
            _things.RemoveAll(undoing.Contains);
        }

        foreach (var (_, _, undo) in undoing)
            await undo();
        return id is null || undoing.Count > 0;
    }
}
