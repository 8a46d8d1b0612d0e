namespace XapiCompat.Storage.VhdTree;

/// <summary>Names of the steps of a tree, without the paths and ids that a step is told with.</summary>
public static class TreeStep
{
    private static readonly Dictionary<string, string> Known = new(StringComparer.Ordinal)
    {
        ["write-vhd-tmp"] = "write-volume",
        ["write-vhd-new"] = "write-leaf",
        ["write-raw-tmp"] = "write-raw",
        ["write-meta-new"] = "write-notes",
        ["move-vhd-tmp"] = "name-volume",
        ["move-vhd-new"] = "switch-leaf",
        ["move-raw-tmp"] = "name-raw",
        ["move-meta-new"] = "name-notes",
        ["link"] = "link-base",
        ["hide"] = "hide-base",
        ["delete-vhd"] = "delete-volume",
        ["delete-raw"] = "delete-raw",
        ["delete-meta"] = "delete-notes",
        ["delete-vhd-new"] = "delete-leaf",
        ["delete-vhd-tmp"] = "delete-temporary",
        ["write-cbtlog-new"] = "write-snapshot-log",
        ["write-cbtlog-next"] = "write-next-log",
        ["write-cbtlog-tmp"] = "rewrite-log",
        ["write-cbtlog"] = "write-log",
        ["move-cbtlog-new"] = "name-snapshot-log",
        ["move-cbtlog-next"] = "name-next-log",
        ["move-cbtlog-tmp"] = "replace-log",
        ["move-cbtlog"] = "doom-log",
        ["move-cbtlog-del"] = "restore-log",
        ["link-cbtlog"] = "note-log-child",
        ["cut-cbtlog"] = "cut-log",
        ["mark-cbtlog"] = "mark-log",
        ["settle-cbtlog"] = "settle-log",
        ["unsettle-cbtlog"] = "unsettle-log",
        ["delete-cbtlog"] = "delete-log",
    };

    /// <summary>The name of a step, as in <c>tree.switch-leaf</c>.</summary>
    public static string NameOf(string step)
    {
        var words = step.Split(' ', StringSplitOptions.RemoveEmptyEntries);
        var parts = words.TakeWhile(w => w[0] is >= 'a' and <= 'z' && !Guid.TryParse(w, out _)).ToList();
        if (words.FirstOrDefault(w => w[0] == '/') is { } path && Path.GetFileName(path) is var file && file.IndexOf('.', StringComparison.Ordinal) is >= 0 and var dot)
            parts.Add(file[(dot + 1)..].Replace('.', '-'));
        var name = string.Join('-', parts);
        return "tree." + Known.GetValueOrDefault(name, name);
    }
}
