namespace XapiCompat.Storage.VhdTree;

/// <summary>Why a file has no place in the tree.</summary>
internal static class TreeProblem
{
    public const string Loop = "it is its own ancestor";
    public const string ForeignParent = "its parent's name is not one of this directory";
    public const string OtherParent = "the file with its parent's name is another disk";
    private const string NoParent = "its parent ";

    public static string ParentMissing(Guid parent) => NoParent + parent + " is missing or broken";

    /// <summary>The kind of a finding about it.</summary>
    public static string CodeOf(string reason) => reason switch
    {
        Loop => "loop",
        ForeignParent => "foreign-parent",
        OtherParent => "other-parent",
        _ when reason.StartsWith(NoParent, StringComparison.Ordinal) => "orphan",
        _ => "unreadable",
    };
}
