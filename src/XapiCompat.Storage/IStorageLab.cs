namespace XapiCompat.Storage;

/// <summary>A plugin whose files testers may look at and damage. Works beside the attached SR, which is not told.</summary>
public interface IStorageLab
{
    /// <summary>Directory (absolute) of an SR's files.</summary>
    string DirectoryOf(SrConfiguration configuration);

    /// <summary>The files of an SR as they are, parents before children where they have some.</summary>
    IReadOnlyList<LabNode> Show(SrConfiguration configuration);

    /// <summary>Adds a base copy that no volume is on; its key is the result.</summary>
    string PlantOrphanBase(SrConfiguration configuration, Guid id, long size);

    /// <summary>Overwrites the footer of a volume's file; what is returned puts it back.</summary>
    Action PlantBadFooter(SrConfiguration configuration, string key);
}

/// <summary>One file of a tree.</summary>
/// <param name="Key">Key of the volume or base copy.</param>
/// <param name="Parent">Key of the file below; null at the root.</param>
/// <param name="VirtualSize">Bytes.</param>
/// <param name="PhysicalSize">Bytes of the file.</param>
/// <param name="Blocks">Blocks that it stores; null when its table cannot be read.</param>
/// <param name="Hidden">True for a base copy.</param>
/// <param name="Problem">Why it has no place in the tree; null when it has one.</param>
public sealed record LabNode(string Key, string? Parent, long VirtualSize, long PhysicalSize, int? Blocks, bool Hidden, int Depth, string? Problem);
