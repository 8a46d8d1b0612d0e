using System.Collections.Concurrent;

namespace XapiCompat.Storage.VhdTree;

/// <summary>
/// The logs of a tree by volume. They form chains: each names the state from which on it notes. Writers look up theirs from any
/// thread; all else happens under the tree's lock.
/// </summary>
internal sealed class CbtLogs(TreeDirectory directory)
{
    private readonly ConcurrentDictionary<Guid, CbtLog> _logs = new();
    private readonly List<string> _broken = [];

    /// <summary>Logs of volumes, and those of destroyed ones that wait for their child to take them over.</summary>
    public IEnumerable<CbtLog> All => _logs.Values;

    public IEnumerable<string> Problems => _broken;

    /// <summary>The log of a volume.</summary>
    public CbtLog? Find(Guid id) => _logs.TryGetValue(id, out var log) && !log.Doomed ? log : null;

    public bool Knows(Guid id) => _logs.ContainsKey(id);

    /// <summary>Notes that a range of a volume is about to be written: in its log, and in those that go on from its state.</summary>
    public void Mark(Guid id, long offset, long length)
    {
        if (length == 0 || !_logs.TryGetValue(id, out var log))
            return;
        log.Mark(offset, length);
        foreach (var child in log.Children)
        {
            // What lies behind the child's end is noted when the child grows.
            if (Math.Min(length, child.Size - offset) is > 0 and var inside)
                child.Mark(offset, inside);
        }
    }

    /// <summary>A writer of the volume has closed. A log that cannot be told so counts as written until the next attach.</summary>
    public void Settle(Guid id)
    {
        if (!_logs.TryGetValue(id, out var log))
            return;
        try
        {
            log.Settle();
            foreach (var child in log.Children)
                child.Settle();
        }
        catch (Exception e) when (Faults.IsForeseen(e))
        {
        }
    }

    /// <summary>Adds a log, or puts it in the place of the volume's last one.</summary>
    public void Put(CbtLog log)
    {
        if (_logs.TryGetValue(log.Id, out var old))
        {
            log.Children = old.Children;
            Unlink(old);
            old.Close();
        }

        _logs[log.Id] = log;
        Link(log);
    }

    public void Remove(CbtLog log)
    {
        Unlink(log);
        _logs.TryRemove(log.Id, out _);
        log.Close();
    }

    /// <summary>Replaces a log's file by one that descends from another state; see <see cref="CbtLog.Rewrite"/>.</summary>
    public void Reparent(CbtLog log, Guid parent, ReadOnlySpan<byte> more)
    {
        Unlink(log);
        try
        {
            log.Rewrite(parent, log.Size, more);
        }
        finally
        {
            Link(log);
        }
    }

    /// <summary>Ends tracking: what goes on from here descends from nothing any more, what came before stays.</summary>
    public void Drop(CbtLog log)
    {
        foreach (var child in log.Children)
        {
            child.CutParent();
            log.Children = [.. log.Children.Where(c => c != child)];
        }

        directory.Delete(log.Path);
        Remove(log);
        ParentOf(log)?.TryNoteChild();
    }

    /// <summary>Gives the bits of a destroyed volume to what goes on from it. Until that works they stay where they are, in the chain.</summary>
    public void Bury(CbtLog log)
    {
        try
        {
            foreach (var child in log.Children)
                Reparent(child, log.Parent, log.ReadBits());
            directory.Delete(log.Path);
            Remove(log);
            ParentOf(log)?.TryNoteChild();
            directory.Flush();
        }
        catch (Exception e) when (Faults.IsForeseen(e))
        {
        }
    }

    public CbtLog? ParentOf(CbtLog log) => _logs.GetValueOrDefault(log.Parent);

    /// <summary>Makes the logs equal to the files.</summary>
    /// <returns>Those that are new.</returns>
    public IReadOnlyList<CbtLog> Load()
    {
        _broken.Clear();
        if (_logs.IsEmpty && !directory.HasLogs())
            return [];
        foreach (var gone in _logs.Values.Where(log => directory.Find(log.Path) is null).ToArray())
            Remove(gone);
        var added = new List<CbtLog>();
        foreach (var suffix in new[] { CbtFormat.DoomedSuffix, CbtFormat.Suffix })
        {
            foreach (var id in directory.Ids(suffix).Where(id => !_logs.ContainsKey(id)).ToArray())
            {
                if (TryRead(directory.PathOf(id, suffix)) is { } header && !added.Exists(log => log.Id == id))
                    added.Add(new CbtLog(directory, id, header, suffix) { Doomed = suffix == CbtFormat.DoomedSuffix && !directory.Exists(id) });
            }
        }

        // All or none: one that is known without its children would not tell them of writes.
        foreach (var log in added)
            _logs[log.Id] = log;

        if (added.Count > 0)
        {
            var children = _logs.Values.ToLookup(log => log.Parent);
            foreach (var log in _logs.Values)
                log.Children = [.. children[log.Id]];
        }

        return added;
    }

    /// <summary>Ends the use of all logs; nobody writes any more.</summary>
    public void Close()
    {
        foreach (var id in _logs.Keys)
            Settle(id);
    }

    // One that cannot be read now must not be found later, without what is written until then: the failure is the caller's.
    private CbtHeader? TryRead(string path)
    {
        var header = CbtFormat.TryRead(path, directory.Files);
        if (header is null)
            _broken.Add(path + ": it is no log of written blocks");
        return header;
    }

    private void Link(CbtLog log)
    {
        if (ParentOf(log) is { } parent && !parent.Children.Contains(log))
            parent.Children = [.. parent.Children, log];
    }

    private void Unlink(CbtLog log)
    {
        if (ParentOf(log) is { } parent)
            parent.Children = [.. parent.Children.Where(c => c != log)];
    }
}
