using System.Collections.Immutable;

namespace XapiCompat.Storage.VhdTree;

/// <summary>What the host knows of a volume and a VHD cannot hold.</summary>
internal sealed record VolumeMeta(string Name, string Description, bool Sharable, ImmutableSortedDictionary<string, string> Keys)
{
    /// <summary>Names the state of a plain file's data; null in a tree, whose files carry their ids.</summary>
    public Guid? DataId { get; init; }

    /// <summary>
    /// How the data is called for as long as the footer's unique id is the given one: a leaf that got data of its parents, without
    /// anybody having written to it, is still what it was.
    /// </summary>
    public (Guid UniqueId, Guid Name)? Shown { get; init; }

    public static VolumeMeta None { get; } = new("", "", false, ImmutableSortedDictionary.Create<string, string>(StringComparer.Ordinal));
}
