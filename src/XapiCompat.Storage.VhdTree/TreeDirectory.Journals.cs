using XapiCompat.Disks;
using XapiCompat.Disks.Files;
using XapiCompat.Disks.Vhd;

namespace XapiCompat.Storage.VhdTree;

/// <summary>What a collector is in the middle of.</summary>
internal enum JournalKind
{
    /// <summary><c>coalesce_&lt;uuid&gt;</c>: the node's blocks are copied into the parent, which nobody sees otherwise.</summary>
    Coalesce,

    /// <summary><c>relink_&lt;uuid&gt;</c>: the parent has all blocks, and the node's children move to it.</summary>
    Relink,

    /// <summary><c>leaf_&lt;uuid&gt;</c>: the parent has all of the leaf's blocks and takes its name.</summary>
    Leaf,
}

/// <summary>
/// Journals: files named as on a real host, whose text is the uuid of the parent in question. The order of steps is such that
/// the journal alone tells how to go on.
/// </summary>
internal sealed partial class TreeDirectory
{
    private static readonly (string Prefix, JournalKind Kind)[] Prefixes =
        [("coalesce_", JournalKind.Coalesce), ("relink_", JournalKind.Relink), ("leaf_", JournalKind.Leaf)];

    public void WriteJournal(JournalKind kind, Guid id, Guid parent)
    {
        var path = PathOf(kind, id);
        Step("journal " + path);
        using (var file = VhdIo.Create(path, overwrite: true, Files))
        {
            file.Write(0, System.Text.Encoding.ASCII.GetBytes(parent.ToString("D")));
            if (options.Durable)
                file.Flush();
        }

        Flush();
    }

    public void DropJournal(JournalKind kind, Guid id) => Delete(PathOf(kind, id));

    /// <summary>After a failure: one that stays is dropped with the next attach.</summary>
    public void TryDropJournal(JournalKind kind, Guid id)
    {
        try
        {
            Files.Pass(FileCall.Delete, PathOf(kind, id));
            DirectPath.Delete(PathOf(kind, id));
        }
        catch (Exception e) when (Faults.IsForeseen(e))
        {
        }
    }

    public IEnumerable<(JournalKind Kind, Guid Id)> Journals()
    {
        foreach (var name in DirectPath.FileNames(Path, "*_*"))
        {
            foreach (var (prefix, kind) in Prefixes)
            {
                if (name.StartsWith(prefix, StringComparison.Ordinal) && TryParse(name.AsSpan(prefix.Length), out var id) && Find(PathOf(kind, id)) is { IsPlain: true })
                    yield return (kind, id);
            }
        }
    }

    private static bool IsJournal(string name) => Array.Exists(
        Prefixes, p => name.StartsWith(p.Prefix, StringComparison.Ordinal) && TryParse(name.AsSpan(p.Prefix.Length), out _));

    /// <summary>Null when the text is not a uuid: it was not written to its end, or by somebody else.</summary>
    public Guid? ReadJournal(JournalKind kind, Guid id) => TryParse(System.Text.Encoding.ASCII.GetString(DirectPath.ReadAllBytes(PathOf(kind, id))), out var parent) ? parent : null;

    public string PathOf(JournalKind kind, Guid id) =>
        System.IO.Path.Combine(Path, Prefixes.First(p => p.Kind == kind).Prefix + id.ToString("D"));
}
